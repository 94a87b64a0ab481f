"""A Caffe net as a `top` model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from xdsl.dialects import builtin, func
from xdsl.ir import SSAValue
from xdsl.rewriter import Rewriter

from tpuc_caffe.net import Layer, Net
from tpuc_caffe.registry import Unsupported, converters
from tpuc_core.errors import TpucError
from tpuc_core.images import Preprocessing
from tpuc_core.ir import Model, shape_of, tensor_type, top

# how many tensors an error message suggests to end a model at
MOST_CUTS = 8


class Importer:
    """Makes `top` ops of layers, in order; `value`, `shape` and `blob` look up what a layer reads, `emit` writes."""

    def __init__(self, net: Net, name: str, preprocessing: Preprocessing | None = None):
        self.net = net
        self._values: dict[str, SSAValue] = {}
        self._constants: dict[str, np.ndarray] = {}
        self._refused: set[str] = set()
        self._used = {tensor for layer in net.layers for tensor in layer.inputs} | set(net.outputs)
        self._end = func.ReturnOp()
        self.model = self._new_model(name)
        for argument, (input_name, shape) in zip(self.model.main.args, net.inputs.items()):
            self._add_input(argument, input_name, shape, preprocessing)

    def run(self) -> Model:
        """Import every layer. Raises TpucError that lists all layers that cannot be."""
        reasons: list[tuple[Layer, str]] = []
        for layer in self.net.layers:
            try:
                self._convert(layer)
            except Unsupported as reason:
                reasons.append((layer, str(reason)))
                self._refused.update(layer.outputs)
            except _AfterRefused:
                self._refused.update(layer.outputs)
        if reasons:
            raise TpucError(self._refusal(reasons))
        self.model.set_outputs([self.value(name) for name in self.net.outputs])
        return self.model

    def input(self, layer: Layer, index: int = 0) -> SSAValue:
        """What a layer reads. Raises Unsupported where it has no such input."""
        if index >= len(layer.inputs):
            raise Unsupported(f"{len(layer.inputs)} inputs")
        return self.value(layer.inputs[index])

    def value(self, name: str) -> SSAValue:
        """The value of a tensor; a constant becomes a weight of its name."""
        if name in self._refused:
            raise _AfterRefused
        if name not in self._values:
            self._values[name] = self.weight(name, self._constants[name])
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
        return self.weight(f"{layer.name}_weight_{index}", self.blob(layer, index, shape))

    def weight(self, name: str, array: np.ndarray) -> SSAValue:
        """A constant, float32."""
        return self.model.add_weight(name, np.ascontiguousarray(array, dtype=np.float32), before=self._end)

    def none(self) -> SSAValue:
        """The value that stands for an absent operand."""
        return self.model.none(before=self._end)

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

    def emit_named(self, name: str | list[str], op_class: type, operands: Sequence[SSAValue], **attributes: Any) -> SSAValue:
        """An op whose results have these names; the first result."""
        return self._emit(name, op_class, operands, attributes)[0]

    def emit_several(self, names: list[str], op_class: type, operands: Sequence[SSAValue], **attributes: Any) -> list[SSAValue]:
        """An op with several results."""
        return self._emit(names, op_class, operands, attributes)

    def bind(self, layer: Layer, value: SSAValue) -> None:
        """Let later layers find the layer's first result in this value."""
        self._values[layer.outputs[0]] = value

    def _emit(self, name: str | list[str], op_class: Any, operands: Sequence[SSAValue], attributes: dict[str, Any]) -> list[SSAValue]:
        count = 1 if isinstance(name, str) else len(name)
        op = op_class.make(name, operands, [tensor_type((), "f32")] * count, **attributes)
        shapes = op.infer_shape([None if isinstance(o.type, builtin.NoneType) else shape_of(o) for o in operands])
        for result, shape in zip(op.results, shapes):
            Rewriter.replace_value_with_new_type(result, tensor_type(shape, "f32"))
        self._body.insert_op_before(op, self._end)
        return list(op.results)

    def _convert(self, layer: Layer) -> None:
        convert = converters().get(layer.type)
        if convert is None:
            raise Unsupported("the type is not supported")
        if self._refused.intersection(layer.inputs):
            raise _AfterRefused
        try:
            convert(self, layer)
        except TpucError as error:
            raise TpucError(f"{layer.label}: {error}") from error

    def _new_model(self, name: str) -> Model:
        model = Model.new(name, "CAFFE", [tensor_type(shape, "f32") for shape in self.net.inputs.values()])
        self._body = model.main.body.block
        self._body.add_op(self._end)
        return model

    def _add_input(self, argument: SSAValue, name: str, shape: tuple[int, ...], preprocessing: Preprocessing | None) -> None:
        attributes: dict[str, Any] = {}
        if len(shape) == 4 and shape[1] <= 4 and preprocessing is not None:
            attributes = preprocessing.for_shape(shape).attributes()
        self._values[name] = self.emit_named(name, top.InputOp, [argument], **attributes)

    def _refusal(self, reasons: list[tuple[Layer, str]]) -> str:
        """Every layer that cannot be imported, by type and reason, and the tensors before them to end the model at."""
        groups: dict[tuple[str, str], list[str]] = {}
        for layer, reason in reasons:
            groups.setdefault((layer.type, reason), []).append(f'"{layer.name}"')
        layers = "; ".join(f"{kind} {', '.join(names)} ({reason})" for (kind, reason), names in groups.items())
        cuts = dict.fromkeys(name for layer, _ in reasons for name in layer.inputs
                             if name in self._values and name not in self.net.inputs)
        words = ("layer", "it") if len(reasons) == 1 else ("layers", "them")
        way_out = f": --output_names {','.join(list(cuts)[:MOST_CUTS])}" if cuts else " with --output_names"
        return f"{len(reasons)} {words[0]} cannot be imported: {layers}. End the model before {words[1]}{way_out}"


class _AfterRefused(Exception):
    """A layer that reads the result of a refused one: not a finding of its own."""


def import_net(net: Net, name: str, preprocessing: Preprocessing | None = None) -> Model:
    """The net as a model of `top` ops, every shape inferred. Raises TpucError."""
    return Importer(net, name, preprocessing).run()
