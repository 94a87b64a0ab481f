"""What quantizers have in common: a precision for every op, and what happens where the chip does not run it.

A quantizer makes a plan with the quantizations of its tensors, and `plan_ops` fills in the ops. In this order an op runs in

1. the precision that the quantization table names for it,
2. F32, where the quantizer says that its own precision would not do,
3. that of its input, for ops that compute nothing (`FOLLOWERS`),
4. the precision of the plan's mode,

or, where the chip or the calibration does not allow that, in F32 with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tpuc_core.errors import TpucError
from tpuc_core.ir import is_none, is_weight, tensor_name
from tpuc_core.plan import OpPlan, Plan, Precision

if TYPE_CHECKING:
    from xdsl.ir import Operation

    from tpuc_core.hookspecs import Chip
    from tpuc_core.ir import Model

FALLBACK = Precision.F32
"""What every precision falls back to. Not to another narrow one: a chain of fall-backs would hide which one lost accuracy."""

FOLLOWERS = {f"top.{kind}" for kind in ("Flatten", "Reshape", "Reverse", "Squeeze", "Tile", "Unsqueeze")}
"""Ops that run in the precision in which their input arrives: they compute nothing that a cast would pay for."""


def plan_ops(plan: Plan, model: Model, chip: Chip, overrides: Mapping[str, Precision], wide: Mapping[str, str] | None = None) -> Plan:
    """The plan with a precision for every op of the model. `plan.mode` is a precision's name; `plan.tensors` holds the tensors
    that can be of 8 bits; `wide` are ops that the mode's precision is not good enough for, with the reason. Raises TpucError for ops that the chip cannot run even in F32, all of them in one message."""
    impossible = []
    for op in model.ops():
        chosen = _choose(op, plan, chip, overrides, wide or {})
        plan.ops[chosen.name] = chosen
        if chosen.precision is FALLBACK and (reason := chip.supports(op, FALLBACK)) is not None:
            impossible.append(f'"{chosen.name}" ({op.name}): {reason}')
    if impossible:
        raise TpucError(f"{chip.name} cannot run {len(impossible)} op(s) of \"{model.name}\": " + "; ".join(impossible))
    return plan


def _choose(op: Operation, plan: Plan, chip: Chip, overrides: Mapping[str, Precision], wide: Mapping[str, str]) -> OpPlan:
    name, wanted = tensor_name(op.results[0]), Precision(plan.mode)
    asked, reason = wanted, ""
    if name in overrides:
        asked = overrides[name]
        reason = "" if asked is wanted else "asked for by the quantization table"
    elif name in wide:
        asked, reason = FALLBACK, wide[name]
    elif op.name in FOLLOWERS:
        asked = _arriving(op, plan)
    obstacle = None if asked is FALLBACK else _obstacle(op, asked, plan, chip)
    return OpPlan(name, op.name, asked, reason) if obstacle is None else OpPlan(name, op.name, FALLBACK, obstacle)


def _arriving(op: Operation, plan: Plan) -> Precision:
    producer = plan.ops.get(tensor_name(op.operands[0]))
    return FALLBACK if producer is None else producer.precision


def _obstacle(op: Operation, precision: Precision, plan: Plan, chip: Chip) -> str | None:
    """Why an op cannot run in a precision; None where it can."""
    if precision is not Precision.INT8:
        return chip.supports(op, precision)
    missing = _uncalibrated(op, plan)
    return f'no calibration of "{missing[0]}"' if missing else chip.supports(op, precision, is_asymmetric=plan.is_asymmetric)


def _uncalibrated(op: Operation, plan: Plan) -> Sequence[str]:
    activations = [v for v in op.operands if not is_none(v) and not is_weight(v)]
    return [tensor_name(v) for v in (*activations, *op.results) if tensor_name(v) not in plan.tensors]
