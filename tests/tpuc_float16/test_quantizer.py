"""Plans of the modes F16 and BF16: what runs in which precision, and why."""

import pytest
from tpuc_float16.quantizer import plan_float16

from tpuc_core.errors import TpucError
from tpuc_core.plan import Precision
from tpuc_core.plugins import plugins

BOTH = pytest.mark.parametrize("mode", ["F16", "BF16"])


def precisions(plan):
    return {name: op.precision.value for name, op in plan.ops.items()}


@BOTH
def test_everything_that_the_chip_runs_is_in_16_bits(mode, chain, chip):
    plan = plan_float16(chain(), chip(), mode, {})
    assert plan.mode == mode and set(precisions(plan).values()) == {mode} and not plan.fallbacks()


@BOTH
def test_the_rest_falls_back_to_f32_with_the_chips_reason(mode, chain, chip):
    plan = plan_float16(chain(), chip("top.Softmax"), mode, {})
    assert precisions(plan) == {"a": mode, "r": mode, "s": "F32"}
    assert [(op.name, op.reason) for op in plan.fallbacks()] == [("s", f"no {mode} top.Softmax")]


def test_a_reshape_follows_its_input(chain, chip):
    plan = plan_float16(chain(), chip("top.SiLU"), "F16", {})
    assert precisions(plan) == {"a": "F32", "r": "F32", "s": "F16"} and not plan.ops["r"].reason


def test_the_quantization_table_may_name_any_precision(chain, chip):
    wanted = {"a": Precision.INT8, "s": Precision.BF16}
    plan = plan_float16(chain(is_calibrated=True), chip(int8=["top.SiLU", "top.Reshape"]), "F16", wanted)
    assert precisions(plan) == {"a": "INT8", "r": "INT8", "s": "BF16"}
    assert {op.reason for op in plan.fallbacks()} == {"asked for by the quantization table"}
    assert set(plan.tensors) == {"x", "a", "r", "s"}


def test_int8_beside_16_bits_wants_a_calibration(chain, chip):
    with pytest.raises(TpucError, match="not calibrated"):
        plan_float16(chain(), chip(int8=["top.SiLU"]), "F16", {"a": Precision.INT8})


def test_f16_in_int8_mode(chain, chip):
    model = chain(is_calibrated=True)
    plan = plugins().quantizer("INT8").plan(model, chip(int8=["top.SiLU", "top.Reshape"]), "INT8", overrides={"s": Precision.F16})
    assert precisions(plan) == {"a": "INT8", "r": "INT8", "s": "F16"}


def test_the_modes_are_found_by_name():
    assert all(mode in plugins().quantizer(mode.lower()).modes for mode in ("F16", "BF16"))
