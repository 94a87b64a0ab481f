"""Plans for the modes INT8 and F32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tpuc_core.errors import TpucError
from tpuc_core.ir import is_none, is_weight, tensor_name
from tpuc_core.plan import OpPlan, Plan, Precision
from tpuc_int8.ranges import corrected_ranges
from tpuc_int8.scales import symmetric

if TYPE_CHECKING:
    from xdsl.ir import Operation

    from tpuc_core.hookspecs import Chip
    from tpuc_core.ir import Model

FOLLOWERS = {f"top.{kind}" for kind in ("Flatten", "Reshape", "Reverse", "Squeeze", "Tile", "Unsqueeze")}
"""Ops that run in the precision in which their input arrives: they compute nothing that a cast would pay for."""


def plan_float(model: Model, chip: Chip, overrides: Mapping[str, Precision]) -> Plan:
    """F32 everywhere but where `overrides` says INT8 and the model's calibration allows it."""
    return _plan(model, chip, Precision.F32, overrides)


def plan_int8(model: Model, chip: Chip, overrides: Mapping[str, Precision], *, is_asymmetric: bool = False) -> Plan:
    """INT8 symmetric; ops that cannot, and those that `overrides` names, in F32 with the reason."""
    if is_asymmetric:
        raise TpucError("asymmetric INT8 is not there yet: leave the option out to quantize symmetrically")
    plan = _plan(model, chip, Precision.INT8, overrides)
    if not plan.tensors:
        raise TpucError(f'model "{model.name}" is not calibrated: make a table with "tpuc calibrate" and give it with'
                        " --calibration_table, or choose mode F32")
    return plan


def _plan(model: Model, chip: Chip, wanted: Precision, overrides: Mapping[str, Precision]) -> Plan:
    plan = Plan(wanted.value, tensors={name: symmetric(*r) for name, r in corrected_ranges(model).items()})
    impossible = []
    for op in model.ops():
        chosen = _choose(op, plan, chip, overrides.get(tensor_name(op.results[0]), wanted), wanted)
        plan.ops[chosen.name] = chosen
        if chosen.precision is Precision.F32 and (reason := chip.supports(op, Precision.F32)) is not None:
            impossible.append(f'"{chosen.name}" ({op.name}): {reason}')
    if impossible:
        raise TpucError(f"{chip.name} cannot run {len(impossible)} op(s) of \"{model.name}\": " + "; ".join(impossible))
    return plan


def _choose(op: Operation, plan: Plan, chip: Chip, asked: Precision, wanted: Precision) -> OpPlan:
    name = tensor_name(op.results[0])
    if asked is Precision.F32:
        return OpPlan(name, op.name, asked, "" if asked is wanted else "asked for by the quantization table")
    if asked is not Precision.INT8:
        return OpPlan(name, op.name, Precision.F32, f"{asked} is not there yet")
    if op.name in FOLLOWERS and not _arrives_in_int8(op, plan):
        return OpPlan(name, op.name, Precision.F32)
    missing = _uncalibrated(op, plan)
    reason = f'no calibration of "{missing[0]}"' if missing else chip.supports(op, Precision.INT8)
    return OpPlan(name, op.name, Precision.INT8 if reason is None else Precision.F32, reason or "")


def _arrives_in_int8(op: Operation, plan: Plan) -> bool:
    producer = plan.ops.get(tensor_name(op.operands[0]))
    return producer is not None and producer.precision is Precision.INT8


def _uncalibrated(op: Operation, plan: Plan) -> Sequence[str]:
    activations = [v for v in op.operands if not is_none(v) and not is_weight(v)]
    return [tensor_name(v) for v in (*activations, *op.results) if tensor_name(v) not in plan.tensors]
