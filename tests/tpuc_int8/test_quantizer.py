"""Plans: what runs in which precision, and why."""

import pytest
from tpuc_int8.quantizer import plan_float, plan_int8

from tpuc_core.errors import TpucError
from tpuc_core.ir import top
from tpuc_core.plan import Precision, fallback_table


def chain(builder, is_calibrated=True):
    x = builder.input()
    a = builder.add(top.SiLUOp, "a", [x], (-0.3, 1.0) if is_calibrated else None)
    r = builder.add(top.ReshapeOp, "r", [a], (-0.3, 1.0) if is_calibrated else None, (1, 256), shape=[1, 256])
    s = builder.add(top.SoftmaxOp, "s", [r], (0.0, 0.9), axis=1)
    return builder.done(s)


def test_what_the_chip_cannot_run_in_int8_falls_back_with_the_chips_reason(builder, chip_that_runs):
    plan = plan_int8(chain(builder), chip_that_runs("top.SiLU", "top.Reshape"), {})
    assert {name: op.precision for name, op in plan.ops.items()} == {"a": "INT8", "r": "INT8", "s": "F32"}
    assert [(op.name, op.reason) for op in plan.fallbacks()] == [("s", "no INT8 top.Softmax")]
    assert "no INT8 top.Softmax" in fallback_table(plan)


def test_a_reshape_follows_its_input_and_is_no_fall_back(builder, chip_that_runs):
    plan = plan_int8(chain(builder), chip_that_runs("top.Reshape"), {})
    assert plan.ops["r"].precision is Precision.F32 and not plan.ops["r"].reason


def test_a_tensor_without_range_keeps_its_op_in_f32(builder, chip_that_runs):
    plan = plan_int8(chain(builder, is_calibrated=False), chip_that_runs("top.SiLU"), {})
    assert plan.ops["a"].precision is Precision.F32 and 'no calibration of "a"' in plan.ops["a"].reason


def test_the_quantization_table_overrides(builder, chip_that_runs):
    plan = plan_int8(chain(builder), chip_that_runs("top.SiLU", "top.Reshape"), {"a": Precision.F32})
    assert plan.ops["a"].precision is Precision.F32 and "table" in plan.ops["a"].reason


def test_f32_mode_has_no_fall_backs_and_no_table(builder, chip_that_runs):
    plan = plan_float(chain(builder), chip_that_runs(), {})
    assert {op.precision for op in plan.ops.values()} == {Precision.F32}
    assert plan.fallbacks() == [] and fallback_table(plan) == ""


def test_a_model_without_calibration_is_told_what_to_run(builder, chip_that_runs):
    x = builder.input(None)
    model = builder.done(builder.add(top.SiLUOp, "a", [x]))
    with pytest.raises(TpucError, match=r'"small" is not calibrated.*tpuc calibrate'):
        plan_int8(model, chip_that_runs("top.SiLU"), {})


def test_every_op_that_cannot_run_at_all_is_listed(builder, chip_that_runs):
    with pytest.raises(TpucError, match=r'2 op\(s\).*"a" \(top.SiLU\).*"s" \(top.Softmax\)'):
        plan_float(chain(builder), chip_that_runs(impossible=("top.SiLU", "top.Softmax")), {})


def test_an_asymmetric_plan_has_zero_points_and_says_so(builder, chip_that_runs):
    plan = plan_int8(chain(builder), chip_that_runs("top.SiLU", "top.Reshape"), {}, is_asymmetric=True)
    assert plan.is_asymmetric and plan.as_json()["is_asymmetric"]
    assert plan.tensors["a"].zero_point == round(-128 + 0.3 / (1.3 / 255)) and plan.tensors["a"].is_signed
    assert plan.tensors["s"].zero_point == 0 and not plan.tensors["s"].is_signed


@pytest.mark.parametrize("is_asymmetric", [True, False])
def test_ops_in_8_bits_of_an_f32_plan_are_asymmetric_where_that_is_asked_for(builder, chip_that_runs, is_asymmetric):
    plan = plan_float(chain(builder), chip_that_runs("top.SiLU"), {"a": Precision.INT8}, is_asymmetric=is_asymmetric)
    assert plan.ops["a"].precision is Precision.INT8 and plan.is_asymmetric is is_asymmetric
    assert (plan.tensors["a"].zero_point != 0) is is_asymmetric
