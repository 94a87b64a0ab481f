"""A Caffe net as a `top` model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from tpuc_caffe.net import Layer, Net
from tpuc_caffe.registry import CONVERTERS
from tpuc_core.errors import TpucError
from tpuc_core.images import Preprocessing
from tpuc_core.importing import GraphImporter, NodeInfo, Unsupported
from tpuc_core.ir import Model, shape_of, tensor_type, top


class Importer(GraphImporter[Layer, str]):
    """Makes `top` ops of layers, in order; `value`, `shape` and `blob` look up what a layer reads, `emit` writes."""

    converters, noun = CONVERTERS, "layer"

    def __init__(self, net: Net, name: str, preprocessing: Preprocessing | None = None):
        super().__init__(name, "CAFFE", [tensor_type(shape) for shape in net.inputs.values()])
        self.net = net
        self._values: dict[str, SSAValue] = {}
        self._constants: dict[str, np.ndarray] = {}
        self._used = {tensor for layer in net.layers for tensor in layer.inputs} | set(net.outputs)
        for argument, (input_name, shape) in zip(self.model.main.args, net.inputs.items()):
            self._add_input(argument, input_name, shape, preprocessing)

    def run(self) -> Model:
        """Import every layer. Raises TpucError that lists all layers that cannot be."""
        self.import_nodes(self.net.layers)
        self.model.set_outputs([self.value(name) for name in self.net.outputs])
        return self.model

    def input(self, layer: Layer, index: int = 0) -> SSAValue:
        """What a layer reads. Raises Unsupported where it has no such input."""
        if index >= len(layer.inputs):
            raise Unsupported(f"{len(layer.inputs)} inputs")
        return self.value(layer.inputs[index])

    def value(self, name: str) -> SSAValue:
        """The value of a tensor; a constant becomes a weight of its name."""
        self.require(name)
        if name not in self._values:
            self._values[name] = self.add_weight(name, self._constants[name])
        return self._values[name]

    def shape(self, layer: Layer, index: int = 0) -> tuple[int, ...]:
        """The shape of what a layer reads, of any kind. Raises Unsupported where it has no such input."""
        if index < len(layer.inputs) and layer.inputs[index] in self._constants:
            return self._constants[layer.inputs[index]].shape
        return shape_of(self.input(layer, index))

    def constants(self, layer: Layer) -> list[np.ndarray] | None:
        """The arrays that a layer reads, if all of them are constant."""
        arrays = [self._constants.get(name) for name in layer.inputs]
        return None if any(array is None for array in arrays) else arrays  # type: ignore[return-value]

    def fold(self, layer: Layer, array: np.ndarray) -> None:
        """The layer's result is constant."""
        self._constants[layer.outputs[0]] = np.asarray(array, np.float32)

    def blob(self, layer: Layer, index: int, shape: Sequence[int]) -> np.ndarray:
        """A weight of the layer in this shape, whatever that in the file is. Raises TpucError: missing, or another size."""
        if index >= len(layer.blobs):
            raise TpucError(f"it has {len(layer.blobs)} weights where {index + 1} are wanted: is this the net's .caffemodel?")
        array = layer.blobs[index]
        if array.size != int(np.prod(shape)):
            raise TpucError(f"its weight {index} has the shape {list(array.shape)} where {list(shape)} is wanted")
        return array.reshape(shape)

    def blob_weight(self, layer: Layer, index: int, shape: Sequence[int]) -> SSAValue:
        """A weight of the layer as a value."""
        return self.add_weight(f"{layer.name}_weight_{index}", self.blob(layer, index, shape))

    def is_used(self, layer: Layer, index: int) -> bool:
        """Whether somebody wants the layer's result of that index."""
        return index < len(layer.outputs) and layer.outputs[index] in self._used

    def emit(self, layer: Layer, op_class: type, operands: Sequence[SSAValue], **attributes: Any) -> SSAValue:
        """The op for the layer's first result, and bound to it."""
        return self.emit_output(layer, 0, op_class, operands, **attributes)

    def emit_output(self, layer: Layer, index: int, op_class: type, operands: Sequence[SSAValue], **attributes: Any) -> SSAValue:
        """The op for one of several results."""
        value = self.emit_named(layer.outputs[index], op_class, operands, **attributes)
        self._values[layer.outputs[index]] = value
        return value

    def emit_step(self, layer: Layer, step: str, op_class: type, operands: Sequence[SSAValue], **attributes: Any) -> SSAValue:
        """An op before the last one of a layer, named after the layer's result and the step."""
        return self.emit_named(f"{layer.outputs[0]}_{step}", op_class, operands, **attributes)

    def bind(self, layer: Layer, value: SSAValue) -> None:
        """Let later layers find the layer's first result in this value."""
        self._values[layer.outputs[0]] = value

    def convert(self, layer: Layer) -> None:
        self.converters.of(layer.type)  # an unknown type is named after a refused layer too
        for name in layer.inputs:
            self.require(name)
        super().convert(layer)

    def info(self, node: Layer) -> NodeInfo[str]:
        return NodeInfo(node.type, node.name, node.inputs, node.outputs)

    def end_name(self, tensor: str) -> str | None:
        return tensor if tensor in self._values and tensor not in self.net.inputs else None

    def _add_input(self, argument: SSAValue, name: str, shape: tuple[int, ...], preprocessing: Preprocessing | None) -> None:
        attributes: dict[str, Any] = {}
        if len(shape) == 4 and shape[1] <= 4 and preprocessing is not None:
            attributes = preprocessing.for_shape(shape).attributes()
        self._values[name] = self.emit_named(name, top.InputOp, [argument], **attributes)


def import_net(net: Net, name: str, preprocessing: Preprocessing | None = None) -> Model:
    """The net as a model of `top` ops, every shape inferred. Raises TpucError."""
    return Importer(net, name, preprocessing).run()
