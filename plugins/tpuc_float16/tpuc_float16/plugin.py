"""The hooks of this plugin: modes F16 and BF16."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpuc_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tpuc_core.hookspecs import Chip, Quantizer
    from tpuc_core.ir import Model
    from tpuc_core.plan import Plan, Precision


class Float16Quantizer:
    """Sixteen bits wherever the chip has them, F32 elsewhere."""

    modes: tuple[str, ...] = ("F16", "BF16")

    def plan(self, model: Model, chip: Chip, mode: str, *, is_asymmetric: bool = False,
             overrides: Mapping[str, Precision] | None = None) -> Plan:
        """F16 or BF16 for every op but those that `overrides` names. Raises TpucError where it names INT8 for a model without
        calibration."""
        from tpuc_float16.quantizer import plan_float16

        return plan_float16(model, chip, mode, overrides or {}, is_asymmetric=is_asymmetric)


@hookimpl
def tpuc_quantizers() -> list[Quantizer]:
    return [Float16Quantizer()]
