"""Models that are quantized already (state TOP_QUANTIZED): their types say what a plan says for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.rewriter import Rewriter

from tpuc_bm1684x.lowering.quantize import multipliers_and_shifts
from tpuc_bm1684x.lowering.registry import lowers
from tpuc_core.ir import element_type_of, is_none, is_weight, quantization_of, shape_of, tensor_name, tensor_type, tpu
from tpuc_core.ir.dialects.quant import UniformType
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import Model, TensorOp


def make_activations_real(model: Model) -> None:
    """Activations become f32, since from here on the plan says which of them are integers. Weights keep their types."""
    values = [*model.main.args, *(result for op in (*model.inputs, *model.ops()) for result in op.results)]
    for value in values:
        if not is_none(value) and isinstance(element_type_of(value), UniformType):
            Rewriter.replace_value_with_new_type(value, tensor_type(shape_of(value)))
    model.update_function_types()


def make_weights_real(op: TensorOp, lowering: Lowering) -> None:
    """Integer weights of an op that computes in floats become `WEIGHT_real`, f32."""
    for index, value in enumerate(op.operands):
        if is_weight(value) and isinstance(element_type_of(value), UniformType):
            op.operands[index] = lowering.model.add_weight(f"{tensor_name(value)}_real", lowering.model.real_weight(value), op)


@lowers("Cast", precision=Precision.INT8)
def cast_int8(op: TensorOp, lowering: Lowering) -> SSAValue:
    """To the planned scale and zero point, from others or from f32."""
    x, wanted = op.operands[0], lowering.quantization(op)
    present = quantization_of(x)
    if present == wanted:
        return x
    if present is None:
        return lowering.emit_int8(op, tpu.CastOp, [x], with_scale=True)
    (multiplier,), (shift,) = multipliers_and_shifts(present.scale / wanted.scale)
    return lowering.emit_int8(op, tpu.RequantIntOp, [x], multiplier=multiplier, rshift=shift, quant_mode="MultiplierShift")


def _obstacle(op: TensorOp) -> str | None:
    return f'a cast to "{op.get("to")}"' if op.get("to") not in ("", "f32", "float32", "F32") else None


@lowers("Cast", precision=Precision.F32, unless=_obstacle)
def cast_f32(op: TensorOp, lowering: Lowering) -> SSAValue:
    """From integers to the real values that they stand for; nothing changes from f32."""
    x = op.operands[0]
    if quantization_of(x) is not None:
        return lowering.emit(op, tpu.CastOp, [x], op.results[0].type, with_scale=True)
    return lowering.emit(op, tpu.ReshapeOp, [x], op.results[0].type, shape=list(shape_of(x)))
