"""What lowers one to one: a `tpu` op of the same name and attributes, with none for operands that only the chip knows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from tpuc_bm1684x.kernels.movement import PAD_MODES
from tpuc_bm1684x.lowering.narrowing import held
from tpuc_bm1684x.lowering.registry import FLOATS, kernel_obstacle, lowers
from tpuc_core.ir import tensor_name, tpu

if TYPE_CHECKING:
    from xdsl.ir import Attribute, SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp
    from tpuc_core.plan import TensorQuantization

SAME_IN_FLOATS = (
    "AddConst", "Clip", "Depth2Space", "Div", "LayerNorm",
    "LeakyRelu", "Max", "MaxConst", "Min", "MinConst", "Mul", "MulConst", "Pad", "Permute", "Reciprocal",
    "Relu", "Reshape", "Reverse", "ShuffleChannel", "Slice", "Softmax", "Squeeze", "SubConst", "Tile", "Unsqueeze",
    "Upsample")
OF_SEVERAL = ("Max", "Min", "Mul")
"""Ops of any number of operands; of one the result is the operand."""
TERMS_AND_FACTORS = (tpu.AddConstOp, tpu.MulConstOp, tpu.SubConstOp)
"""Ops whose constant stays finite in 16 bits: 0 times an infinity, or an infinity less another one, would be no number."""
F32_OPERANDS = {"LayerNorm": (1, 2)}
"""Constants that a kernel reads in f32, whatever it computes in."""


def _obstacle(op: TensorOp) -> str | None:
    kind = op.name.removeprefix("top.")
    return padding_obstacle(op) if kind == "Pad" else kernel_obstacle(kind)


def padding_obstacle(op: TensorOp) -> str | None:
    """Why the chip cannot run a Pad."""
    if op.get("mode") not in PAD_MODES:
        return f'padding of mode "{op.get("mode")}"'
    return "negative padding" if min(op.get("paddings")) < 0 else None


@lowers(*SAME_IN_FLOATS, precision=FLOATS, unless=_obstacle)
def same_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    kind = op.name.removeprefix("top.")
    if len(op.operands) == 1 and kind in OF_SEVERAL:
        return plain_float(op, lowering, tpu.MulConstOp, const_val=1.0)
    return plain_float(op, lowering, getattr(tpu, f"{kind}Op"), f32_operands=F32_OPERANDS.get(kind, ()))


def plain_float(op: TensorOp, lowering: Lowering, op_class: Any, *, f32_operands: Sequence[int] = (), **attributes: Any) -> SSAValue:
    """The op as an `op_class` in floats with the attributes that both declare, and the given ones. `f32_operands` are constants that
    the chip wants in f32 in every precision: biases."""
    operands = [v if i in f32_operands else lowering.real(v, op) for i, v in enumerate(op.operands)]
    operands += [lowering.none(op)] * missing_operands(op_class, len(operands))
    attributes = shared_attributes(op, op_class) | attributes
    if op_class in TERMS_AND_FACTORS:
        attributes["const_val"] = held(attributes["const_val"], lowering.element)
    return lowering.emit(op, op_class, operands, lowering.result_type(op), **attributes)


@lowers("Concat", precision=FLOATS)
def concat_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    return concatenated(op, lowering, [lowering.real(v, op) for v in op.operands], lowering.result_type(op))


def concatenated(op: TensorOp, lowering: Lowering, operands: list[SSAValue], result_type: Attribute) -> SSAValue:
    """A Concat, and a Relu behind it where the op has one."""
    attributes = shared_attributes(op, tpu.ConcatOp)
    if not op.get("do_relu"):
        return lowering.emit(op, tpu.ConcatOp, operands, result_type, **attributes)
    attributes |= {"do_relu": False, "relu_limit": -1.0}
    y = lowering.emit(op, tpu.ConcatOp, operands, result_type, name=f"{tensor_name(op.results[0])}_linear", **attributes)
    return lowering.emit(op, tpu.ReluOp, [y], result_type, relu_limit=op.get("relu_limit"))


def shared_attributes(op: TensorOp, op_class: Any) -> dict[str, Any]:
    """Python values of the op's attributes that `op_class` declares too."""
    return {name: op.get(name) for name in op.attributes if name in op_class.kinds()}


def fused_relu(op: TensorOp, quantization: TensorQuantization | None = None) -> dict[str, Any]:
    """do_relu, and its limit where the quantization of the result goes beyond it: else saturation is the limit."""
    attributes: dict[str, Any] = {"do_relu": bool(op.get("do_relu"))}
    if quantization is not None and op.get("do_relu") and 0 < op.get("relu_limit") < quantization.real_limits[1] - quantization.scale / 2:
        attributes["relu_limit"] = op.get("relu_limit")
    return attributes


def missing_operands(op_class: Any, given: int) -> int:
    """How many trailing operands a `tpu` op wants beyond the given ones; 0 for ops with a variable number."""
    return max(0, _operand_slots(op_class) - given)


@cache
def _operand_slots(op_class: Any) -> int:
    from xdsl.irdl import OptOperandDef, VarOperandDef

    slots = [slot for _, slot in op_class.get_irdl_definition().operands]
    if any(isinstance(slot, VarOperandDef) and not isinstance(slot, OptOperandDef) for slot in slots):
        return 0
    return sum(not isinstance(slot, OptOperandDef) for slot in slots)
