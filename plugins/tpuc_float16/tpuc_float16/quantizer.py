"""Plans for the modes F16 and BF16."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tpuc_core.plan import Plan, Precision
from tpuc_core.planning import plan_ops
from tpuc_core.plugins import plugins
from tpuc_float16.squares import sums_of_squares

if TYPE_CHECKING:
    from tpuc_core.hookspecs import Chip
    from tpuc_core.ir import Model


def plan_float16(model: Model, chip: Chip, mode: str, overrides: Mapping[str, Precision], *, is_asymmetric: bool = False) -> Plan:
    """F16 or BF16 (`mode`); ops that cannot, sums of squares in F16, and those that `overrides` names, in another precision with the reason.

    Scales of ops in INT8 are those of the quantizer for INT8. Raises TpucError where it has none to give.
    """
    tensors, asymmetric = {}, False
    if Precision.INT8 in overrides.values():
        given = plugins().quantizer("INT8").plan(model, chip, "INT8", is_asymmetric=is_asymmetric, overrides=overrides)
        tensors, asymmetric = given.tensors, given.is_asymmetric
    wide = sums_of_squares(model) if mode.upper() == "F16" else {}
    return plan_ops(Plan(mode.upper(), asymmetric, tensors=tensors), model, chip, overrides, wide)
