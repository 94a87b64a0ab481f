"""What the lowering of every op needs: operands in the wanted form, names, types, weights, and new ops in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import numpy as np
from xdsl.ir import BlockArgument, OpResult
from xdsl.rewriter import InsertPoint, Rewriter

from tpuc_bm1684x.lowering.narrowing import narrowed, narrowed_filter
from tpuc_bm1684x.lowering.quantize import LIMIT_16_BIT, multipliers_and_shifts
from tpuc_core.ir import (
    TensorOp,
    is_none,
    is_weight,
    name_location,
    quantization_of,
    shape_of,
    storage_of,
    tensor_name,
    tensor_type,
    tpu,
)
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import Attribute, Operation, SSAValue

    from tpuc_core.ir import Model
    from tpuc_core.plan import Plan, TensorQuantization

STORAGE_SUFFIX = {True: "si8", False: "ui8"}
ELEMENTS = {Precision.F32: "f32", Precision.F16: "f16", Precision.BF16: "bf16", Precision.INT8: "f32"}
"""The type of the floats of an op in a precision; those of an op in INT8 are at its border."""


class Lowering:
    """A model on its way from `top` to `tpu`: ops are replaced one by one, so operands of later ops are lowered values."""

    def __init__(self, model: Model, plan: Plan, *, is_matmul_per_column: bool = True):
        self.model = model
        self.plan = plan
        self.is_matmul_per_column = is_matmul_per_column
        self.element = "f32"
        """The float type that the present op runs in."""
        self._names = {tensor_name(result) for op in (*model.inputs, *model.ops()) for result in op.results if not is_none(result)}
        self._casts: dict[tuple[SSAValue, TensorQuantization | str], SSAValue] = {}
        self._weights: dict[tuple[SSAValue, str], SSAValue] = {}
        self._real_outputs: set[SSAValue] = set()

    def quantization(self, op: Operation) -> TensorQuantization:
        """The planned quantization of the op's result."""
        return self.plan.tensors[tensor_name(op.results[0])]

    def result_quantization(self, value: SSAValue) -> TensorQuantization:
        """The quantization that a value has, or will have when it is cast to 8 bits."""
        return quantization_of(value) or self.plan.tensors[tensor_name(value)]

    def real(self, value: SSAValue, user: Operation) -> SSAValue:
        """The value in the float type that `user` runs in, a weight too; a none or integers stay what they are."""
        if is_none(value):
            return value
        if is_weight(value):
            return self._float_weight(value, user)
        is_integer = quantization_of(value) is None and storage_of(value) not in ELEMENTS.values()
        if is_integer or _form(value) == self.element:
            return value
        return self._cast(value, self.element, f"{tensor_name(value)}{tensor_name(user.results[0])}_{self.element}")

    def stored_output(self, value: SSAValue) -> SSAValue:
        """The value in the 8 bits that the plan has for it, also where a float op made it."""
        wanted = self.plan.tensors.get(tensor_name(value))
        if wanted is None or quantization_of(value) is not None:
            return value
        return self._cast(value, wanted, f"{tensor_name(value)}_{STORAGE_SUFFIX[wanted.is_signed]}")

    def real_output(self, value: SSAValue) -> SSAValue:
        """The value in f32, for the return: `NAME_f32`, also where another op reads that cast."""
        if _form(value) not in ("f16", "bf16") and quantization_of(value) is None:
            return value
        name = f"{tensor_name(value)}_f32"
        is_of_a_reader = (value, "f32") in self._casts and value not in self._real_outputs
        real = self._cast(value, "f32", name)
        if is_of_a_reader and isinstance(real.owner, TensorOp):
            real.owner.location = name_location(self._new_name(name))
        self._real_outputs.add(value)
        return real

    def quantized(self, value: SSAValue, user: Operation, wanted: TensorQuantization | None = None) -> SSAValue:
        """The value in 8 bits, for `user`: in its own quantization, or in the wanted one by way of a MulShift or RequantInt."""
        present = quantization_of(value)
        wanted = wanted or self.result_quantization(value)
        if present == wanted:
            return value
        target = tensor_name(user.results[0])
        if present is None:
            return self._cast(value, wanted, f"{tensor_name(value)}{target}_{STORAGE_SUFFIX[wanted.is_signed]}")
        return self._requantize(value, present, wanted, f"{tensor_name(value)}_to_{target}")

    def emit(self, user: Operation, op_class: Any, operands: list[SSAValue], result_type: Attribute, *,
             name: str | None = None, **attributes: Any) -> SSAValue:
        """A new op before `user`, by default with its name; the value of its result."""
        op = op_class.make(name or tensor_name(user.results[0]), operands, result_type, **attributes)
        Rewriter.insert_op(op, InsertPoint.before(user))
        return op.results[0]

    def emit_int8(self, user: Operation, op_class: Any, operands: list[SSAValue], **attributes: Any) -> SSAValue:
        """A new op before `user` whose result has the planned quantization of that of `user`."""
        result_type = tensor_type(shape_of(user.results[0]), quantization=self.quantization(user))
        return self.emit(user, op_class, operands, result_type, **attributes)

    def float_type(self, shape: Sequence[int]) -> Attribute:
        """The type of a tensor of the floats that the present op runs in."""
        return tensor_type(shape, self.element)

    def result_type(self, user: Operation) -> Attribute:
        """The type of the result of an op in floats."""
        result = user.results[0]
        return result.type if self.element == "f32" else self.float_type(shape_of(result))

    def float_weight(self, user: Operation, suffix: str, array: np.ndarray) -> SSAValue:
        """A new weight before `user`, named after it, of the floats that the present op runs in."""
        return self.weight(user, suffix, narrowed(array, self.element), self.element)

    def filter(self, value: SSAValue, user: Operation, axis: int = 0) -> SSAValue:
        """A constant filter, output channels along `axis`, in the floats that the present op runs in: as `real`, but in BF16 the sum over
        each channel is kept."""
        if self.element != "bf16" or storage_of(value) != "f32":
            return self.real(value, user)
        return self._narrow_weight(value, user, f"filter {axis}", narrowed_filter(self.model.weight(value), self.element, axis))

    def weight(self, user: Operation, suffix: str, array: np.ndarray, element_type: str) -> SSAValue:
        """A new weight before `user`, named after it; numbered where the model brings a weight of that name."""
        return self._named_weight(f"{tensor_name(user.results[0])}_{suffix}", array, user, element_type)

    def _named_weight(self, plain: str, array: np.ndarray, user: Operation, element_type: str) -> SSAValue:
        name = plain
        for number in count(1):
            if name not in self.model.weights:
                return self.model.add_weight(name, array, user, element_type)
            name = f"{plain}_{number}"
        raise AssertionError

    def real_weight(self, value: SSAValue, user: Operation) -> SSAValue:
        """What a weight of integers stands for: `NAME_real`, f32, once for all users."""
        key = (value, "real")
        if key not in self._weights:
            self._weights[key] = self.model.add_weight(f"{tensor_name(value)}_real", self.model.real_weight(value), user)
        return self._weights[key]

    def none(self, user: Operation) -> SSAValue:
        """The value that stands for an absent operand."""
        return self.model.none(user)

    def _float_weight(self, value: SSAValue, user: Operation) -> SSAValue:
        """The weight itself in f32, or `NAME_f16`, once for all users."""
        if self.element == "f32" or storage_of(value) != "f32":
            return value
        return self._narrow_weight(value, user, "", narrowed(self.model.weight(value), self.element))

    def _narrow_weight(self, value: SSAValue, user: Operation, kind: str, array: np.ndarray) -> SSAValue:
        key = (value, f"{self.element} {kind}")
        if key not in self._weights:
            self._weights[key] = self._named_weight(f"{tensor_name(value)}_{self.element}", array, user, self.element)
        return self._weights[key]

    def _new_name(self, plain: str) -> str:
        """The name of a tensor between two of the model: numbered where there is one of that name, such as "1" of "23" and "12" of "3"."""
        name = next(name for name in chain([plain], (f"{plain}_{number}" for number in count(1))) if name not in self._names)
        self._names.add(name)
        return name

    def _cast(self, value: SSAValue, wanted: TensorQuantization | str, name: str) -> SSAValue:
        is_float = isinstance(wanted, str)
        result_type = tensor_type(shape_of(value), wanted if is_float else "f32", None if is_float else wanted)
        return self._convert(value, wanted, lambda: tpu.CastOp.make(self._new_name(name), [value], result_type, with_scale=True))

    def _requantize(self, value: SSAValue, present: TensorQuantization, wanted: TensorQuantization, name: str) -> SSAValue:
        result_type = tensor_type(shape_of(value), quantization=wanted)
        if present.zero_point or wanted.zero_point:
            (multiplier,), (shift,) = multipliers_and_shifts(present.scale / wanted.scale)
            op_class, attributes = tpu.RequantIntOp, {"quant_mode": "MultiplierShift"}
        else:
            (multiplier,), (shift,) = multipliers_and_shifts(present.scale / wanted.scale, LIMIT_16_BIT)
            op_class, attributes = tpu.MulShiftOp, {}
        return self._convert(value, wanted, lambda: op_class.make(self._new_name(name), [value], result_type, multiplier=multiplier,
                                                                  rshift=shift, **attributes))

    def _convert(self, value: SSAValue, wanted: TensorQuantization | str, make: Callable[[], Operation]) -> SSAValue:
        """The cast of a value: made once, for all its users."""
        key = (value, wanted)
        if key not in self._casts:
            op = make()
            _insert_after(value, op)
            self._casts[key] = op.results[0]
        return self._casts[key]


def _form(value: SSAValue) -> TensorQuantization | str:
    """How a value is stored: its quantization, or its element type."""
    return quantization_of(value) or storage_of(value)


def _insert_after(value: SSAValue, op: Operation) -> None:
    match value:
        case BlockArgument():
            Rewriter.insert_op(op, InsertPoint.at_start(value.block))
        case OpResult():
            Rewriter.insert_op(op, InsertPoint.after(value.op))
