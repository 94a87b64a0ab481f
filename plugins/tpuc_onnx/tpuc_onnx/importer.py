"""An ONNX graph as a `top` model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from tpuc_core.errors import TpucError
from tpuc_core.images import Preprocessing
from tpuc_core.importing import LARGEST_FOLDED, GraphImporter, NodeInfo, Unsupported
from tpuc_core.ir import Model, shape_of, tensor_type, top
from tpuc_onnx.dtypes import FLOAT, is_integer, result_dtypes
from tpuc_onnx.folding import evaluate_node
from tpuc_onnx.graph import Graph, Node
from tpuc_onnx.registry import CONVERTERS

# operators that may give a tensor without axes some
MAKES_AXES = frozenset(("Expand", "Flatten", "NonZero", "OneHot", "Reshape", "Unsqueeze"))


class Importer(GraphImporter[Node, str]):
    """Makes `top` ops of nodes, in order; `value`, `constant` and `shape` look up what a node reads, `emit` writes."""

    converters = CONVERTERS

    def __init__(self, graph: Graph, name: str, preprocessing: Preprocessing | None = None):
        super().__init__(name, "ONNX", [tensor_type(shape) for shape in graph.inputs.values()])
        self.graph = graph
        self.constants = graph.constants
        self._used = graph.use_counts()
        self._values: dict[str, SSAValue] = {}
        self._dtypes = dict(graph.dtypes)
        self._scalars = {name for name, shape in graph.inputs.items() if not shape}
        for argument, (input_name, shape) in zip(self.model.main.args, graph.inputs.items()):
            self._add_input(argument, input_name, shape, preprocessing)

    def run(self) -> Model:
        """Import every node. Raises TpucError that lists all nodes that cannot be."""
        self.import_nodes(self.graph.nodes)
        self.model.set_outputs([self._output(name) for name in self.graph.outputs])
        return self.model

    def _output(self, name: str) -> SSAValue:
        if name in self.constants and name not in self._values:
            raise TpucError(f'output "{name}" is a constant: leave it out with --output_names')
        return self.value(name)

    def value(self, name: str) -> SSAValue:
        """The value of a tensor; a constant becomes a weight, float32, of its own name."""
        self.require(name)
        if name in self._values:
            return self._values[name]
        if name not in self.constants:
            raise TpucError(f'the graph is broken: nothing makes "{name}"')
        return self.weight(name, self.constants[name])

    def constant(self, name: str) -> np.ndarray | None:
        """The array of a tensor that does not depend on the inputs, or None."""
        return self.constants[name] if name and name in self.constants else None

    def parameter(self, node: Node, index: int, what: str) -> np.ndarray:
        """A constant parameter that is an input of a node. Raises Unsupported when it is absent or computed."""
        array = self.optional_parameter(node, index, what)
        if array is None:
            raise Unsupported(f"no {what}")
        return array

    def optional_parameter(self, node: Node, index: int, what: str) -> np.ndarray | None:
        """A constant parameter that is an input of a node, None when it is absent. Raises Unsupported when it is computed."""
        name = node.input(index)
        if not name:
            return None
        array = self.constant(name)
        if array is None:
            self.value(name)  # a refused producer has been named already
            raise Unsupported(f"{what} that is computed at run time")
        return array

    def integers(self, node: Node, attribute: str, index: int) -> list[int]:
        """A list of integers that is an attribute in old opsets and an input in new ones. Raises Unsupported when it is absent."""
        values = self.optional_integers(node, attribute, index)
        if values is None:
            raise Unsupported(f"no {attribute}")
        return values

    def optional_integers(self, node: Node, attribute: str, index: int) -> list[int] | None:
        """The same, None when it is absent."""
        if attribute in node.attributes:
            return [int(v) for v in node.attributes[attribute]]
        array = self.optional_parameter(node, index, attribute)
        return None if array is None else [int(v) for v in np.atleast_1d(array)]

    def is_used(self, name: str) -> bool:
        """Whether a tensor is read by a node or is an output."""
        return bool(name) and self._used.get(name, 0) > 0

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, () where it has no axes: its value then has the shape [1]."""
        array = self.constant(name)
        if array is not None:
            return tuple(array.shape)
        shape = shape_of(self.value(name))
        return () if name in self._scalars else shape

    def dtype(self, name: str) -> np.dtype:
        """The element type that a tensor has in the ONNX model."""
        return self.constants[name].dtype if name in self.constants else self._dtypes.get(name, FLOAT)

    def is_integer(self, name: str) -> bool:
        """Whether a tensor holds integers, in the ONNX model."""
        return is_integer(self.dtype(name))

    def mark_scalar(self, name: str) -> None:
        """Remember that a tensor has no axes, though its value has one."""
        self._scalars.add(name)

    def weight(self, name: str, array: np.ndarray) -> SSAValue:
        """A weight, float32; scalars become [1]. See `shared_weight`: what a node makes of a constant is its own, though the name is taken."""
        return self.shared_weight(name, array)

    def emit(self, node: Node, op_class: type, operands: Sequence[SSAValue], **attributes: Any) -> SSAValue:
        """The op for the node's first output; the node's output is bound to its result."""
        value = self.emit_named(node.result_names[0], op_class, operands, **attributes)
        self.bind(node.outputs[0], value)
        return value

    def bind(self, name: str, value: SSAValue) -> None:
        """Let later nodes find a tensor."""
        self._values[name] = value

    def fold(self, name: str, array: np.ndarray) -> None:
        """A tensor turned out to be constant."""
        self.constants[name] = array

    def convert(self, node: Node) -> None:
        if not self._folds(node):
            super().convert(node)
            self._note_types(node)

    def info(self, node: Node) -> NodeInfo[str]:
        return NodeInfo(node.op, node.label_name, node.inputs, node.outputs)

    def end_name(self, tensor: str) -> str | None:
        return tensor if tensor in self._values and tensor not in self.graph.inputs else None

    def _note_types(self, node: Node) -> None:
        """The types of a node's outputs; without axes where no input has any (what drops all axes says so itself)."""
        inputs = [name for name in node.inputs if name]
        self._dtypes.update(zip(node.outputs, result_dtypes(node, [self.dtype(name) for name in inputs])))
        if node.op not in MAKES_AXES and all(self.shape(name) == () for name in inputs):
            self._scalars.update(node.outputs)

    def _folds(self, node: Node) -> bool:
        """Make constants of the outputs of a node that reads constants only."""
        if any(name and name not in self.constants for name in node.inputs):
            return False
        arrays = evaluate_node(node, [self.constant(name) for name in node.inputs], self.graph.opset)
        if arrays is None or any(array.size > LARGEST_FOLDED for array in arrays):
            return False
        for name, array in zip(node.outputs, arrays):
            self.fold(name, array)
        return True

    def _add_input(self, argument: SSAValue, name: str, shape: tuple[int, ...], preprocessing: Preprocessing | None) -> None:
        attributes: dict[str, Any] = {}
        is_image = len(shape) == 3 or (len(shape) == 4 and (shape[1] <= 4 or shape[3] <= 4))
        if is_image and preprocessing is not None:
            attributes = preprocessing.for_shape(shape).attributes()
        self.bind(name, self.emit_named(name, top.InputOp, [argument], **attributes))


def import_graph(graph: Graph, name: str, preprocessing: Preprocessing | None = None) -> Model:
    """The graph as a model of `top` ops, every shape inferred. Raises TpucError."""
    return Importer(graph, name, preprocessing).run()

