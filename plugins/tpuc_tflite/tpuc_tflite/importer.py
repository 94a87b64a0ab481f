"""A TFLite graph as a `top` model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from xdsl.ir import Attribute, SSAValue

from tpuc_core.errors import TpucError
from tpuc_core.images import Preprocessing
from tpuc_core.importing import LARGEST_FOLDED, GraphImporter, NodeInfo, Unsupported
from tpuc_core.ir import Model, State, shape_of, tensor_name, tensor_type, top
from tpuc_tflite.elements import constant_type, element_of
from tpuc_tflite.folding import fold
from tpuc_tflite.graph import Graph, Node, Shape, Tensor
from tpuc_tflite.layout import AS_IN_FILE, TO_FILE, TO_PLANAR, Layout, is_same_order, planar_axis, planar_shape
from tpuc_tflite.preprocessing import preprocessing_for
from tpuc_tflite.registry import CONVERTERS

RELU, RELU_N1_TO_1, RELU6, TANH = 1, 2, 3, 4  # ActivationFunctionType of the schema


class Importer(GraphImporter[Node, int]):
    """Makes `top` ops of nodes, in order. Tensors go by their index in the file.

    `plain` and `planar` give the value of a tensor as in the file, or as [n, c, h, w]; `emit` binds what a node makes.
    """

    converters = CONVERTERS

    def __init__(self, graph: Graph, name: str, preprocessing: Preprocessing | None = None):
        inputs = [graph.tensors[index] for index in graph.inputs]
        layouts = [_input_layout(tensor, preprocessing) for tensor in inputs]
        super().__init__(name, "TFLITE", [_input_type(tensor, layout) for tensor, layout in zip(inputs, layouts)])
        if graph.is_quantized:
            self.model.state = State.TOP_QUANTIZED
        self.graph = graph
        self.readers = graph.readers()
        self._constants = {t.index: t.data for t in graph.tensors if t.data is not None and t.sparsity is None}
        self._values: dict[int, dict[Layout, SSAValue]] = {}
        self._homes: dict[int, Layout] = {}
        self._names: set[str] = {t.name for t in graph.tensors}
        for argument, index, layout in zip(self.model.main.args, graph.inputs, layouts):
            self._add_input(argument, index, layout, preprocessing)

    def run(self) -> Model:
        """Import every node. Raises TpucError that lists all nodes that cannot be."""
        self.import_nodes(self.graph.nodes)
        self.model.set_outputs([self._output(index) for index in self.graph.outputs])
        return self.model

    # what a node reads

    def tensor(self, index: int) -> Tensor:
        return self.graph.tensors[index]

    def constant(self, index: int) -> np.ndarray | None:
        """The array of a tensor that does not depend on the inputs, as the file stores it, or None."""
        return self._constants.get(index)

    def parameter(self, node: Node, position: int, what: str) -> np.ndarray:
        """A constant that is an input of a node. Raises Unsupported where it is absent or computed."""
        index = node.input(position)
        array = self.constant(index) if index >= 0 else None
        if array is None:
            if index >= 0:
                self.home(index)  # a refused producer has been named already
            raise Unsupported(f"{what} that is computed at run time" if index >= 0 else f"no {what}")
        return array

    def shape(self, index: int) -> Shape:
        """The shape of a tensor as in the file."""
        array = self.constant(index)
        if array is not None:
            return array.shape
        layout = self.home(index)
        shape = shape_of(self._values[index][layout])
        if layout.shape is None:
            return shape
        return layout.shape if len(shape) == 4 else shape

    def home(self, index: int) -> Layout:
        """The layout in which a tensor came into being; as in the file for constants."""
        self.require(index)
        if index in self._constants:
            return AS_IN_FILE
        if index not in self._homes:
            raise TpucError(f'the graph is broken: nothing makes "{self.tensor(index).name}"')
        return self._homes[index]

    def is_planar(self, index: int) -> bool:
        """Whether a tensor of four dimensions came into being as [n, c, h, w]."""
        return self.home(index).is_planar and len(self.shape(index)) == 4

    def value(self, index: int) -> SSAValue:
        """The value in the layout in which it came into being; a constant as in the file."""
        layout = self.home(index)
        return self.plain(index) if index in self._constants else self._values[index][layout]

    def plain(self, index: int) -> SSAValue:
        """The value in the file's layout; a constant becomes a weight."""
        if index in self._constants:
            return self.weight(index, self._constants[index])
        home = self.home(index)
        if home.is_planar and AS_IN_FILE not in self._values[index]:
            assert home.shape is not None
            name = self.new_name(f"{self.tensor(index).name}_nhwc")
            self._values[index][AS_IN_FILE] = self._rearranged(index, name, home.shape, TO_FILE, home.shape)
        return self._values[index][AS_IN_FILE]

    def planar(self, index: int) -> SSAValue:
        """The value of a tensor [n, h, w, c] as [n, c, h, w]. Raises Unsupported: other than four dimensions."""
        shape = self.shape(index)
        if len(shape) != 4:
            raise Unsupported(f"{len(shape)} dimensions where 4 are wanted")
        if index in self._constants:
            return self.weight(index, self._constants[index].transpose(TO_PLANAR), axis=1, suffix="_nchw")
        layout = Layout.planar(shape)
        if layout not in self._values[index]:
            name = self.new_name(f"{self.tensor(index).name}_nchw")
            self._values[index][layout] = self._rearranged(index, name, shape, TO_PLANAR, planar_shape(shape))
        return self._values[index][layout]

    def axis(self, index: int, axis: int) -> int:
        """The axis of a tensor's value that is that axis in the file."""
        axis %= len(self.shape(index))
        return planar_axis(axis) if self.is_planar(index) else axis

    # what a node makes

    def new_name(self, name: str) -> str:
        """A name that no tensor has yet, for a step inside a node."""
        count, unique = 0, name
        while unique in self._names:
            count += 1
            unique = f"{name}_{count}"
        self._names.add(unique)
        return unique

    def weight(
        self, index: int, array: np.ndarray, *, axis: int = 0, suffix: str = "", shape: Shape | None = None
    ) -> SSAValue:
        """A tensor's constant as a weight: float32, or integers of the tensor's quantization, which is along `axis` of the given
        array where it has a scale a slice. The name is that of the tensor; another arrangement of it has `suffix`."""
        tensor = self.tensor(index)
        array = np.ascontiguousarray(array.reshape(shape if shape is not None else array.shape or (1,)))
        element = constant_type(tensor, axis)
        stored = array if element is not None else array.astype(np.float32)
        return self.shared_weight(tensor.name, stored, element, suffix or "_fix")

    def made_weight(self, name: str, array: np.ndarray) -> SSAValue:
        """A float32 weight that no tensor of the file holds."""
        return self.shared_weight(name, array)

    def emit(
        self,
        node: Node,
        op_class: type,
        operands: Sequence[SSAValue],
        *,
        layout: Layout | bool = AS_IN_FILE,
        output: int = 0,
        **attributes: Any,
    ) -> SSAValue:
        """The op for one output of a node, with the name and quantization of the tensor. `layout`: that of the result; True: the
        result is [n, c, h, w]."""
        tensor = self.tensor(node.outputs[output])
        value = self.emit_named(tensor.name, op_class, operands, element_of(tensor), **attributes)
        if layout is True:
            n, c, h, w = shape_of(value)
            layout = Layout((n, h, w, c))
        self.bind(tensor.index, value, layout or AS_IN_FILE)
        return value

    def emit_activated(
        self,
        node: Node,
        op_class: type,
        operands: Sequence[SSAValue],
        *,
        layout: Layout | bool = AS_IN_FILE,
        **attributes: Any,
    ) -> SSAValue:
        """`emit`, and the node's fused activation."""
        activation = node.option("FusedActivationFunction", 0)
        if activation in (0, RELU, RELU6):
            if activation:
                attributes |= {"do_relu": True, "relu_limit": 6.0 if activation == RELU6 else -1.0}
            return self.emit(node, op_class, operands, layout=layout, **attributes)
        if activation not in (RELU_N1_TO_1, TANH) or self.tensor(node.outputs[0]).is_quantized:
            raise Unsupported(f"fused activation {activation}")
        name = self.new_name(f"{self.tensor(node.outputs[0]).name}_linear")
        inner = self.emit_named(name, op_class, operands, **attributes)
        if activation == TANH:
            return self.emit(node, top.TanhOp, [inner], layout=layout)
        return self.emit(node, top.ClipOp, [inner], layout=layout, min=-1.0, max=1.0)

    def bind(self, index: int, value: SSAValue, layout: Layout = AS_IN_FILE) -> None:
        """Let later nodes find a tensor."""
        self._homes[index] = layout
        self._values[index] = {layout: value}

    def layouts(self) -> dict[str, tuple[int, Layout]]:
        """For every imported tensor its index in the file and its layout, by name."""
        found = {}
        for index, layout in self._homes.items():
            value = self._values[index][layout]
            if tensor_name(value) == self.tensor(index).name:
                found[tensor_name(value)] = (index, layout)
        return found

    def convert(self, node: Node) -> None:
        if not self._folds(node):
            super().convert(node)

    def info(self, node: Node) -> NodeInfo[int]:
        """TFLite nodes have no names: they go by what they make, or by their place."""
        name = self.tensor(node.outputs[0]).name if node.outputs else str(node.position)
        return NodeInfo(node.op, name, node.inputs, node.outputs)

    def end_name(self, tensor: int) -> str | None:
        return self.tensor(tensor).name if tensor in self._homes and tensor not in self.graph.inputs else None

    def _folds(self, node: Node) -> bool:
        """Make constants of the outputs of a node that reads constants, or shapes, only."""
        if node.op == "SHAPE":
            self._constants[node.outputs[0]] = np.array(self.shape(node.input(0)), np.int32)
            return True
        if node.op == "DENSIFY" or all(i < 0 or i in self._constants for i in node.inputs):
            arrays = fold(node, [None if i < 0 else self._constants.get(i) for i in node.inputs], self.graph)
            if arrays is not None and all(array.size <= LARGEST_FOLDED for array in arrays):
                self._constants.update(zip(node.outputs, arrays))
                return True
        return False

    def _rearranged(
        self, index: int, name: str, shape: Sequence[int], order: tuple[int, ...], result: Sequence[int]
    ) -> SSAValue:
        """The value of a tensor in its other layout; no element moves where both have the same order."""
        source = self._values[index][self._homes[index]]
        element = element_of(self.tensor(index))
        if is_same_order(shape):
            return self.emit_named(name, top.ReshapeOp, [source], element, shape=list(result))
        return self.emit_named(name, top.PermuteOp, [source], element, order=list(order))

    def _output(self, index: int) -> SSAValue:
        """What the model returns of a tensor: a value of its name."""
        value, tensor = self.value(index), self.tensor(index)
        if tensor_name(value) == tensor.name:
            return value
        element = element_of(tensor)
        same = self.emit_named(tensor.name, top.ReshapeOp, [value], element, shape=list(shape_of(value)))
        self.bind(index, same, self.home(index))
        return same

    def _add_input(self, argument: SSAValue, index: int, layout: Layout, preprocessing: Preprocessing | None) -> None:
        tensor, attributes = self.tensor(index), {}
        if preprocessing is not None and (made := preprocessing_for(tensor, preprocessing)) is not None:
            attributes = made.for_shape(shape_of(argument)).attributes()
        value = self.emit_named(tensor.name, top.InputOp, [argument], element_of(tensor), **attributes)
        self.bind(index, value, layout)


def _input_layout(tensor: Tensor, preprocessing: Preprocessing | None) -> Layout:
    is_map = len(tensor.shape) == 4 and (preprocessing is None or preprocessing.channel_format == "nchw")
    return Layout.planar(tensor.shape) if is_map else AS_IN_FILE


def _input_type(tensor: Tensor, layout: Layout) -> Attribute:
    try:
        element = element_of(tensor)
    except Unsupported as reason:
        raise TpucError(f'input "{tensor.name}" cannot be imported: {reason}') from reason
    return tensor_type(planar_shape(tensor.shape) if layout.is_planar else tensor.shape, element)


def cut(graph: Graph, output_names: Sequence[str]) -> Graph:
    """The graph that ends at these tensors, without the nodes that they do not need. Raises TpucError: an unknown name."""
    if not output_names:
        return graph
    by_name = {t.name: t.index for t in graph.tensors if t.data is None}
    for name in output_names:
        if name not in by_name:
            from tpuc_core.errors import unknown

            raise unknown("tensor", name, list(by_name))
    outputs = [by_name[name] for name in output_names]
    return replace(graph, outputs=outputs, nodes=needed_nodes(graph.nodes, outputs))


def needed_nodes(nodes: Sequence[Node], outputs: Sequence[int]) -> list[Node]:
    """The nodes that these tensors depend on, in order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.outputs):
            wanted.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def by_name(layouts: Mapping[str, tuple[int, Layout]]) -> dict[int, tuple[str, Layout]]:
    """Name and layout of imported tensors by their index in the file."""
    return {index: (name, layout) for name, (index, layout) in layouts.items()}
