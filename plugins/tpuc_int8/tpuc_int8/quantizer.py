"""Plans for the modes INT8 and F32."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tpuc_core.errors import TpucError
from tpuc_core.ir import State
from tpuc_core.plan import Plan, Precision, TensorQuantization
from tpuc_core.planning import plan_ops
from tpuc_int8.prequantized import plan_prequantized
from tpuc_int8.ranges import corrected_ranges
from tpuc_int8.scales import asymmetric, symmetric

if TYPE_CHECKING:
    from tpuc_core.hookspecs import Chip
    from tpuc_core.ir import Model


def plan_float(model: Model, chip: Chip, overrides: Mapping[str, Precision], *, is_asymmetric: bool = False) -> Plan:
    """F32 everywhere but where `overrides` says otherwise and the model's calibration allows it; INT8 is symmetric or not."""
    if model.state is State.TOP_QUANTIZED:
        return plan_prequantized(model, chip, Precision.F32, overrides)
    is_asymmetric = is_asymmetric and Precision.INT8 in overrides.values()
    return plan_ops(Plan(Precision.F32.value, is_asymmetric, tensors=_quantizations(model, is_asymmetric)), model, chip, overrides)


def plan_int8(model: Model, chip: Chip, overrides: Mapping[str, Precision], *, is_asymmetric: bool = False) -> Plan:
    """INT8, by default symmetric; ops that cannot, and those that `overrides` names, in another precision with the reason."""
    if model.state is State.TOP_QUANTIZED:
        return plan_prequantized(model, chip, Precision.INT8, overrides)
    plan = plan_ops(Plan(Precision.INT8.value, is_asymmetric, tensors=_quantizations(model, is_asymmetric)), model, chip, overrides)
    if not plan.tensors:
        raise TpucError(f'model "{model.name}" is not calibrated: make a table with "tpuc calibrate" and give it with'
                        " --calibration_table, or choose mode F32")
    return plan


def _quantizations(model: Model, is_asymmetric: bool = False) -> dict[str, TensorQuantization]:
    """By name, of every tensor that has a range."""
    quantization = asymmetric if is_asymmetric else symmetric
    return {name: quantization(*limits) for name, limits in corrected_ranges(model).items()}
