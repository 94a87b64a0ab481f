"""An ONNX graph as plain Python: nodes with attributes as values, constants as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from tpuc_core.errors import TpucError
from tpuc_onnx.dtypes import dtype_of_tensor_type
from tpuc_onnx.files import opset_of


@dataclass
class Node:
    """One node. Absent optional inputs are empty names, as in ONNX."""

    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)

    def input(self, index: int) -> str:
        """The name of an input, empty when it is absent."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def get(self, name: str, default: Any = None) -> Any:
        return self.attributes.get(name, default)

    @property
    def result_names(self) -> list[str]:
        """The names of its outputs in an imported model: OUTPUT_OPTYPE."""
        return [f"{output}_{self.op}" for output in self.outputs if output]

    @property
    def label_name(self) -> str:
        """Its name in messages; its first output where it has none."""
        return self.name or next(iter(self.outputs), "")


class Constants(Mapping[str, np.ndarray]):
    """Initializers by name, decoded when they are read."""

    def __init__(self, tensors: Mapping[str, onnx.TensorProto]):
        self._tensors = dict(tensors)
        self._arrays: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._arrays:
            self._arrays[name] = numpy_helper.to_array(self._tensors[name])
        return self._arrays[name]

    def __setitem__(self, name: str, array: np.ndarray) -> None:
        self._arrays[name] = array

    def __contains__(self, name: object) -> bool:
        return name in self._arrays or name in self._tensors

    def __iter__(self):
        return iter({**self._tensors, **self._arrays})

    def __len__(self) -> int:
        return len({**self._tensors, **self._arrays})


@dataclass
class Graph:
    """A model whose inputs have fixed shapes."""

    nodes: list[Node]
    inputs: dict[str, tuple[int, ...]]
    outputs: list[str]
    constants: Constants
    opset: int
    dtypes: dict[str, np.dtype] = field(default_factory=dict)
    """The element types of the inputs."""

    @classmethod
    def from_model(cls, model: onnx.ModelProto) -> Graph:
        """The graph of a model with fixed input shapes."""
        constants = Constants({tensor.name: tensor for tensor in model.graph.initializer})
        inputs = {i.name: tuple(d.dim_value for d in i.type.tensor_type.shape.dim) for i in model.graph.input if i.name not in constants}
        dtypes = {i.name: dtype_of_tensor_type(i.type.tensor_type.elem_type) for i in model.graph.input}
        nodes = [Node(n.op_type, n.name, list(n.input), list(n.output), attributes_of(n)) for n in model.graph.node]
        return cls(nodes, inputs, [o.name for o in model.graph.output], constants, opset_of(model), dtypes)

    def producers(self) -> dict[str, Node]:
        """Which node makes a tensor."""
        return {output: node for node in self.nodes for output in node.outputs if output}

    def inputs_behind(self, tensor: str) -> list[str]:
        """The inputs of the graph that a tensor is computed of."""
        makers, seen, pending = self.producers(), {tensor}, [tensor]
        while pending:
            node = makers.get(pending.pop())
            new = [name for name in (node.inputs if node else ()) if name and name not in seen]
            seen.update(new)
            pending.extend(new)
        return [name for name in self.inputs if name in seen]

    def use_counts(self) -> dict[str, int]:
        """How often a tensor is used, as an output of the graph too."""
        counts = dict.fromkeys(self.outputs, 1)
        for node in self.nodes:
            for name in node.inputs:
                counts[name] = counts.get(name, 0) + 1
        return counts


KINDS_OF_ATTRIBUTES = {getattr(onnx.AttributeProto, kind) for kind in (
    "FLOAT", "INT", "STRING", "TENSOR", "GRAPH", "FLOATS", "INTS", "STRINGS", "TENSORS", "GRAPHS")}


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """By name. Raises TpucError: one that is no number, text, tensor or graph, and no list of these."""
    for attribute in node.attribute:
        if attribute.type not in KINDS_OF_ATTRIBUTES:
            raise TpucError(f'attribute "{attribute.name}" of {node.op_type} node "{node.name}" is no number, text, tensor or graph: '
                            "the file is damaged, or of a kind that is not supported")
    return {a.name: _value(onnx.helper.get_attribute_value(a)) for a in node.attribute}


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, onnx.GraphProto):
        return value
    if isinstance(value, (int, float)):
        return value
    return [_value(v) for v in value]
