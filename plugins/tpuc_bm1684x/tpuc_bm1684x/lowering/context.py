"""What the lowering of every op needs: operands in the wanted form, names, types, weights, and new ops in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xdsl.ir import BlockArgument, OpResult
from xdsl.rewriter import InsertPoint, Rewriter

from tpuc_bm1684x.lowering.quantize import LIMIT_16_BIT, multipliers_and_shifts
from tpuc_core.ir import is_none, is_weight, quantization_of, shape_of, tensor_name, tensor_type, tpu

if TYPE_CHECKING:
    import numpy as np
    from xdsl.ir import Attribute, Operation, SSAValue

    from tpuc_core.ir import Model
    from tpuc_core.plan import Plan, TensorQuantization

STORAGE_SUFFIX = {True: "si8", False: "ui8"}


class Lowering:
    """A model on its way from `top` to `tpu`: ops are replaced one by one, so operands of later ops are lowered values."""

    def __init__(self, model: Model, plan: Plan, *, is_matmul_per_column: bool = True):
        self.model = model
        self.plan = plan
        self.is_matmul_per_column = is_matmul_per_column
        self._casts: dict[tuple[SSAValue, TensorQuantization | None], SSAValue] = {}

    def quantization(self, op: Operation) -> TensorQuantization:
        """The planned quantization of the op's result."""
        return self.plan.tensors[tensor_name(op.results[0])]

    def result_quantization(self, value: SSAValue) -> TensorQuantization:
        """The quantization that a value has, or will have when it is cast to 8 bits."""
        return quantization_of(value) or self.plan.tensors[tensor_name(value)]

    def real(self, value: SSAValue, user: Operation) -> SSAValue:
        """The value in f32, for `user`; a none or a weight stays what it is."""
        if is_none(value) or is_weight(value) or quantization_of(value) is None:
            return value
        return self._cast(value, None, f"{tensor_name(value)}{tensor_name(user.results[0])}_f32")

    def real_output(self, value: SSAValue) -> SSAValue:
        """The value in f32, for the return."""
        if quantization_of(value) is None:
            return value
        return self._cast(value, None, f"{tensor_name(value)}_f32")

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

    def weight(self, user: Operation, suffix: str, array: np.ndarray, element_type: str) -> SSAValue:
        """A new weight before `user`, named after it."""
        return self.model.add_weight(f"{tensor_name(user.results[0])}_{suffix}", array, user, element_type)

    def none(self, user: Operation) -> SSAValue:
        """The value that stands for an absent operand."""
        return self.model.none(user)

    def _cast(self, value: SSAValue, wanted: TensorQuantization | None, name: str) -> SSAValue:
        result_type = tensor_type(shape_of(value), "f32", quantization=wanted)
        return self._convert(value, wanted, tpu.CastOp.make(name, [value], result_type, with_scale=True))

    def _requantize(self, value: SSAValue, present: TensorQuantization, wanted: TensorQuantization, name: str) -> SSAValue:
        result_type = tensor_type(shape_of(value), quantization=wanted)
        if present.zero_point or wanted.zero_point:
            (multiplier,), (shift,) = multipliers_and_shifts(present.scale / wanted.scale)
            op = tpu.RequantIntOp.make(name, [value], result_type, multiplier=multiplier, rshift=shift, quant_mode="MultiplierShift")
        else:
            (multiplier,), (shift,) = multipliers_and_shifts(present.scale / wanted.scale, LIMIT_16_BIT)
            op = tpu.MulShiftOp.make(name, [value], result_type, multiplier=multiplier, rshift=shift)
        return self._convert(value, wanted, op)

    def _convert(self, value: SSAValue, wanted: TensorQuantization | None, op: Operation) -> SSAValue:
        key = (value, wanted)
        if key not in self._casts:
            _insert_after(value, op)
            self._casts[key] = op.results[0]
        return self._casts[key]


def _insert_after(value: SSAValue, op: Operation) -> None:
    match value:
        case BlockArgument():
            Rewriter.insert_op(op, InsertPoint.at_start(value.block))
        case OpResult():
            Rewriter.insert_op(op, InsertPoint.after(value.op))
