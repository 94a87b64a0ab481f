"""The hooks of this plugin: modes INT8 and F32."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpuc_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tpuc_core.hookspecs import Chip, Quantizer
    from tpuc_core.ir import Model
    from tpuc_core.passes import Pass
    from tpuc_core.plan import Plan, Precision


class FloatQuantizer:
    """Everything in F32."""

    modes: tuple[str, ...] = ("F32",)

    def plan(self, model: Model, chip: Chip, mode: str, *, is_asymmetric: bool = False,
             overrides: Mapping[str, Precision] | None = None) -> Plan:
        """F32 for every op but those that `overrides` names."""
        from tpuc_int8.quantizer import plan_float

        return plan_float(model, chip, overrides or {}, is_asymmetric=is_asymmetric)


class Int8Quantizer:
    """Eight bits wherever the chip has them, F32 elsewhere."""

    modes: tuple[str, ...] = ("INT8",)

    def plan(self, model: Model, chip: Chip, mode: str, *, is_asymmetric: bool = False,
             overrides: Mapping[str, Precision] | None = None) -> Plan:
        """INT8 with the ranges of a calibrated model. Raises TpucError for one that is not calibrated."""
        from tpuc_int8.quantizer import plan_int8

        return plan_int8(model, chip, overrides or {}, is_asymmetric=is_asymmetric)


@hookimpl
def tpuc_passes() -> list[type[Pass]]:
    from tpuc_int8.equalize import EqualizeWeights

    return [EqualizeWeights]


@hookimpl
def tpuc_quantizers() -> list[Quantizer]:
    return [Int8Quantizer(), FloatQuantizer()]
