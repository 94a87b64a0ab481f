"""Models of the established tool chain, and the lowering of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tpuc_bm1684x.lowering import lower
from tpuc_bm1684x.support import supports
from tpuc_float16.quantizer import plan_float16
from tpuc_int8.quantizer import plan_float, plan_int8

from tpuc_core.ir import Model, load_model
from tpuc_core.plan import Plan

DATA = Path(__file__).parent / "data"


class LoweringChip:
    """What a quantizer asks of a chip."""

    name = "bm1684x"
    supports = staticmethod(supports)


@pytest.fixture
def data() -> Path:
    return DATA


@pytest.fixture
def chip() -> LoweringChip:
    return LoweringChip()


@pytest.fixture
def lowered_int8(chip):
    def run(name: str, overrides: dict | None = None, symmetry: str = "sym", **options: bool) -> tuple[Model, Plan]:
        model = load_model(DATA / (f"{name}_calibrated.mlir" if symmetry == "sym" else f"{name}_asym_calibrated.mlir"))
        plan = plan_int8(model, chip, overrides or {}, is_asymmetric=symmetry == "asym")
        return lower(model, plan, **options), plan

    return run


@pytest.fixture
def lowered_f16(chip):
    def run(name: str) -> Model:
        model = load_model(DATA / f"{name}.mlir")
        return lower(model, plan_float16(model, chip, "F16", {}))

    return run


@pytest.fixture
def lowered_f32(chip):
    def run(name: str) -> Model:
        model = load_model(DATA / f"{name}.mlir")
        return lower(model, plan_float(model, chip, {}))

    return run
