"""Models that are quantized already (state TOP_QUANTIZED): their types say what a plan says for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.rewriter import Rewriter

from tpuc_bm1684x.lowering.quantize import multipliers_and_shifts
from tpuc_bm1684x.lowering.registry import HALVES, lowers
from tpuc_core.ir import (
    element_type_of,
    is_none,
    is_weight,
    quantization_of,
    shape_of,
    storage_of,
    tensor_name,
    tensor_type,
    tpu,
)
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
            op.operands[index] = lowering.real_weight(value, op)


def _target(op: TensorOp) -> str:
    """What a Cast makes of reals: "float", the same; "int", their integer parts; "bool", whether they are not 0."""
    to = str(op.get("to")).lower()
    if to in ("bool", "i1"):
        return "bool"
    return "int" if "int" in to or to[:1] in ("i", "u", "s") else "float"


def _integer_obstacle(op: TensorOp) -> str | None:
    return None if _target(op) == "float" else f'a cast to "{op.get("to")}", which is no quantization'


@lowers("Cast", precision=Precision.INT8, unless=_integer_obstacle)
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


@lowers("Cast", precision=Precision.F32)
def cast_f32(op: TensorOp, lowering: Lowering) -> SSAValue:
    """From integers to the real values that they stand for; nothing changes from f32. To integers: their integer parts, in f32."""
    x, target, result_type = op.operands[0], _target(op), op.results[0].type
    if target == "bool":
        return lowering.emit(op, tpu.CompareConstOp, [lowering.real(x, op)], result_type, mode="NotEqual", const_val=0.0, inversed=False)
    if target == "int":
        return _integer_part(op, lowering, lowering.real(x, op))
    if quantization_of(x) is not None or storage_of(x) != "f32":
        return lowering.emit(op, tpu.CastOp, [x], result_type, with_scale=True)
    return lowering.emit(op, tpu.ReshapeOp, [x], result_type, shape=list(shape_of(x)))


@lowers("Cast", precision=HALVES, unless=_integer_obstacle)
def cast_16_bits(op: TensorOp, lowering: Lowering) -> SSAValue:
    """The real values that integers stand for, or those of floats."""
    x = lowering.real(op.operands[0], op)
    return lowering.emit(op, tpu.ReshapeOp, [x], lowering.result_type(op), shape=list(shape_of(x)))


def _integer_part(op: TensorOp, lowering: Lowering, x: SSAValue) -> SSAValue:
    """What is positive rounded down, what is negative rounded up."""
    parts = []
    for side, limit, mode in (("positive", tpu.MaxConstOp, "FLOOR"), ("negative", tpu.MinConstOp, "CEIL")):
        names = (f"{tensor_name(op.results[0])}_{side}", f"{tensor_name(op.results[0])}_{side}_part")
        part = lowering.emit(op, limit, [x], op.results[0].type, name=names[0], const_val=0.0)
        parts.append(lowering.emit(op, tpu.ActiveOp, [part], op.results[0].type, name=names[1], mode=mode))
    return lowering.emit(op, tpu.AddOp, parts, op.results[0].type)
