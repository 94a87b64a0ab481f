"""An ONNX graph as a `top` model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from xdsl.dialects import builtin, func
from xdsl.ir import SSAValue
from xdsl.rewriter import Rewriter

from tpuc_core.errors import TpucError
from tpuc_core.images import Preprocessing
from tpuc_core.ir import Model, is_none, shape_of, tensor_type, top
from tpuc_onnx.dtypes import FLOAT, is_integer, result_dtypes
from tpuc_onnx.folding import evaluate_node
from tpuc_onnx.graph import Graph, Node
from tpuc_onnx.registry import Unsupported, converters

# a constant with more elements is not made by folding nodes here
LARGEST_FOLDED = 1 << 24
# operators that may give a tensor without axes some
MAKES_AXES = frozenset(("Expand", "Flatten", "NonZero", "OneHot", "Reshape", "Unsqueeze"))
# how many tensors an error message suggests to end a model at
MOST_CUTS = 8


class Importer:
    """Makes `top` ops of nodes, in order; `value`, `constant` and `shape` look up what a node reads, `emit` writes."""

    def __init__(self, graph: Graph, name: str, preprocessing: Preprocessing | None = None):
        self.graph = graph
        self.constants = graph.constants
        self._used = graph.use_counts()
        self._values: dict[str, SSAValue | None] = {}  # None: made by a refused node
        self._weights: dict[str, SSAValue] = {}
        self._dtypes = dict(graph.dtypes)
        self._scalars = {name for name, shape in graph.inputs.items() if not shape}
        self._end = func.ReturnOp()
        self.model = self._new_model(name)
        for argument, (input_name, shape) in zip(self.model.main.args, graph.inputs.items()):
            self._add_input(argument, input_name, shape, preprocessing)

    def run(self) -> Model:
        """Import every node. Raises TpucError that lists all nodes that cannot be."""
        refused: list[tuple[Node, str]] = []
        for node in self.graph.nodes:
            try:
                self._convert(node)
            except Unsupported as reason:
                refused.append((node, str(reason)))
                self._mark_refused(node)
            except _AfterRefused:
                self._mark_refused(node)
        if refused:
            raise TpucError(_refusal(refused, {n: v for n, v in self._values.items() if n not in self.graph.inputs}))
        self.model.set_outputs([self._output(name) for name in self.graph.outputs])
        return self.model

    def _output(self, name: str) -> SSAValue:
        if name in self.constants and name not in self._values:
            raise TpucError(f'output "{name}" is a constant: leave it out with --output_names')
        return self.value(name)

    def value(self, name: str) -> SSAValue:
        """The value of a tensor; a constant becomes a weight, float32, of its own name."""
        if name in self._values:
            value = self._values[name]
            if value is None:
                raise _AfterRefused
            return value
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
        """A weight, float32; scalars become [1]. A name is one weight however often it is used."""
        if name not in self._weights:
            array = np.ascontiguousarray(array, dtype=np.float32)
            self._weights[name] = self.model.add_weight(name, array.reshape(array.shape or (1,)), before=self._end)
        return self._weights[name]

    def none(self) -> SSAValue:
        """The value that stands for an absent operand."""
        return self.model.none(before=self._end)

    def emit(self, node: Node, op_class: type, operands: Sequence[SSAValue], **attributes: Any) -> SSAValue:
        """The op for the node's first output; the node's output is bound to its result."""
        value = self.emit_named(node.result_names[0], op_class, operands, **attributes)
        self.bind(node.outputs[0], value)
        return value

    def emit_named(self, name: str | list[str], op_class: type, operands: Sequence[SSAValue], **attributes: Any) -> SSAValue:
        """An op of that name, for a step inside a node or an output of its own; the first result."""
        names = [name] if isinstance(name, str) else name
        return self.emit_results(names, [True] * len(names), op_class, operands, **attributes)[0]

    def emit_results(self, names: list[str], wanted: Sequence[bool], op_class: type, operands: Sequence[SSAValue],
                     **attributes: Any) -> Sequence[SSAValue]:
        """An op of several results; those that are not wanted are of type `none`."""
        types = [tensor_type((), "f32") if is_wanted else builtin.NoneType() for is_wanted in wanted]
        op = op_class.make(names, operands, types, **attributes)
        for result, shape in zip(op.results, op.infer_shape([None if is_none(o) else shape_of(o) for o in operands])):
            if not is_none(result):
                Rewriter.replace_value_with_new_type(result, tensor_type(shape, "f32"))
        self._body.insert_op_before(op, self._end)
        return op.results

    def bind(self, name: str, value: SSAValue) -> None:
        """Let later nodes find a tensor."""
        self._values[name] = value

    def fold(self, name: str, array: np.ndarray) -> None:
        """A tensor turned out to be constant."""
        self.constants[name] = array

    def _convert(self, node: Node) -> None:
        if self._folds(node):
            return
        convert = converters().get(node.op)
        if convert is None:
            raise Unsupported("the operator is not supported")
        try:
            convert(self, node)
        except TpucError as error:
            raise TpucError(f"{node.label}: {error}") from error
        self._note_types(node)

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

    def _mark_refused(self, node: Node) -> None:
        for output in node.outputs:
            self._values[output] = None

    def _new_model(self, name: str) -> Model:
        model = Model.new(name, "ONNX", [tensor_type(shape, "f32") for shape in self.graph.inputs.values()])
        self._body = model.main.body.block
        self._body.add_op(self._end)
        return model

    def _add_input(self, argument: SSAValue, name: str, shape: tuple[int, ...], preprocessing: Preprocessing | None) -> None:
        attributes: dict[str, Any] = {}
        is_image = len(shape) == 3 or (len(shape) == 4 and (shape[1] <= 4 or shape[3] <= 4))
        if is_image and preprocessing is not None:
            attributes = preprocessing.for_shape(shape).attributes()
        self.bind(name, self.emit_named(name, top.InputOp, [argument], **attributes))


class _AfterRefused(Exception):
    """A node that reads the result of a refused one: not a finding of its own."""


def _refusal(refused: list[tuple[Node, str]], values: Mapping[str, SSAValue | None]) -> str:
    """Every node that cannot be imported, by operator and reason, and the tensors before them to end the model at."""
    groups: dict[tuple[str, str], list[str]] = {}
    for node, reason in refused:
        groups.setdefault((node.op, reason), []).append(f'"{node.label_name}"')
    nodes = "; ".join(f"{op} {', '.join(names)} ({reason})" for (op, reason), names in groups.items())
    cuts = dict.fromkeys(name for node, _ in refused for name in node.inputs if values.get(name) is not None)
    words = ("node", "it") if len(refused) == 1 else ("nodes", "them")
    way_out = f": --output_names {','.join(list(cuts)[:MOST_CUTS])}" if cuts else " with --output_names"
    return f"{len(refused)} {words[0]} cannot be imported: {nodes}. End the model before {words[1]}{way_out}"


def import_graph(graph: Graph, name: str, preprocessing: Preprocessing | None = None) -> Model:
    """The graph as a model of `top` ops, every shape inferred. Raises TpucError."""
    return Importer(graph, name, preprocessing).run()

