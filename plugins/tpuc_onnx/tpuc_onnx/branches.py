"""`If` nodes whose condition does not depend on values of the inputs: the branch that is taken replaces them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import onnx
from onnx import numpy_helper

from tpuc_onnx.files import opset_of
from tpuc_onnx.folding import evaluate_node
from tpuc_onnx.graph import Node, attributes_of

# a tensor with more elements says nothing about shapes
LARGEST_CONDITION = 64


def take_branches(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with every `If` of a constant condition replaced, in place; its input shapes are fixed already.

    One replaced `If` may make the condition of the next one known, so shapes are inferred again after each round.
    """
    while any(node.op_type == "If" for node in model.graph.node):
        conditions = _Conditions(model)
        chosen = [(i, conditions.of(node)) for i, node in enumerate(model.graph.node) if node.op_type == "If"]
        known = [(i, taken) for i, taken in chosen if taken is not None]
        if not known:
            break
        for index, taken in reversed(known):
            _replace(model.graph, index, taken)
    return model


class _Conditions:
    """Values of a graph that follow from its constants and shapes."""

    def __init__(self, model: onnx.ModelProto):
        bare = onnx.ModelProto.FromString(model.SerializeToString())
        with contextlib.suppress(onnx.shape_inference.InferenceError):  # the importer says what is wrong
            bare = onnx.shape_inference.infer_shapes(bare, data_prop=True)
        values = [*bare.graph.value_info, *bare.graph.input, *bare.graph.output]
        self._shapes = {v.name: shape for v in values if (shape := _fixed_shape(v)) is not None}
        self._shapes.update((t.name, tuple(t.dims)) for t in model.graph.initializer)
        self._arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer if np.prod(t.dims) <= LARGEST_CONDITION}
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._opset = opset_of(model)

    def of(self, node: onnx.NodeProto) -> bool | None:
        """Whether the first branch of an `If` is taken; None where that is not known."""
        array = self._value(node.input[0])
        return None if array is None else bool(array.reshape(-1)[0])

    def _value(self, name: str) -> np.ndarray | None:
        """The value of a tensor, found by evaluating what it depends on."""
        pending = [name]
        while pending:
            top = pending[-1]
            if top in self._arrays:
                pending.pop()
                continue
            node = self._makers.get(top)
            if node is None or node.op_type in ("If", "Loop", "Scan"):
                return None
            missing = [i for i in node.input if i and i not in self._arrays] if node.op_type not in ("Shape", "Size") else []
            if missing:
                pending.extend(missing)
                continue
            if not self._evaluate(node):
                return None
        return self._arrays[name]

    def _evaluate(self, node: onnx.NodeProto) -> bool:
        plain = Node(node.op_type, node.name, list(node.input), list(node.output), attributes_of(node))
        if node.op_type in ("Shape", "Size"):
            if node.input[0] not in self._shapes:
                return False
            inputs = [np.broadcast_to(np.float32(0), self._shapes[node.input[0]])]
        else:
            inputs = [self._arrays[name] if name else None for name in node.input]
        results = evaluate_node(plain, inputs, self._opset)
        if results is None or any(r.size > LARGEST_CONDITION for r in results):
            return False
        self._arrays.update((name, array) for name, array in zip(node.output, results) if name)
        return all(name in self._arrays for name in node.output if name)


def _fixed_shape(value: onnx.ValueInfoProto) -> tuple[int, ...] | None:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape") or any(not d.HasField("dim_value") for d in tensor.shape.dim):
        return None
    return tuple(d.dim_value for d in tensor.shape.dim)


def _replace(graph: onnx.GraphProto, index: int, is_then: bool) -> None:
    """Put the nodes of a branch in the place of its `If`, under names that are free, with the outputs that it had."""
    node = graph.node[index]
    branch = next(a.g for a in node.attribute if a.name == ("then_branch" if is_then else "else_branch"))
    names = _new_names(graph, branch, index)
    inner = [onnx.NodeProto.FromString(n.SerializeToString()) for n in branch.node]
    for each in inner:
        _rename(each, names)
    for tensor in branch.initializer:
        graph.initializer.add().CopyFrom(tensor)
        graph.initializer[-1].name = names.get(tensor.name, tensor.name)
    for result, output in zip(branch.output, node.output):
        source = names.get(result.name, result.name)
        inner.append(onnx.helper.make_node("Identity", [source], [output], name=f"{node.name}_{output}"))
    before, after = list(graph.node[:index]), list(graph.node[index + 1 :])
    nodes = [onnx.NodeProto.FromString(n.SerializeToString()) for n in (*before, *inner, *after)]
    del graph.node[:]
    graph.node.extend(nodes)


def _new_names(graph: onnx.GraphProto, branch: onnx.GraphProto, index: int) -> dict[str, str]:
    """A free name for each tensor of a branch whose own is taken."""
    taken = {name for node in graph.node for name in node.output} | {t.name for t in graph.initializer} | {i.name for i in graph.input}
    made = [*(name for node in branch.node for name in node.output if name), *(t.name for t in branch.initializer)]
    return {name: f"{name}_if{index}" for name in made if name in taken}


def _rename(node: onnx.NodeProto, names: dict[str, str]) -> None:
    for field in (node.input, node.output):
        for i, name in enumerate(field):
            field[i] = names.get(name, name)
    for graph in _subgraphs(node):
        for inner in graph.node:
            _rename(inner, names)
        for output in graph.output:
            output.name = names.get(output.name, output.name)


def _subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    return (a.g for a in node.attribute if a.HasField("g"))
