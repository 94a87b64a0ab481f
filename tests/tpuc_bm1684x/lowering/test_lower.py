"""Lowered models against those of the established tool chain, and what differs on purpose."""

from __future__ import annotations

import numpy as np
import pytest

from tpuc_core.errors import TpucError
from tpuc_core.ir import State, load_model, print_text, quantization_of, shape_of, storage_of, tensor_name
from tpuc_core.plan import Precision

SCALED_ALIKE = ("tpu.Conv2D", "tpu.MatMul", "tpu.Deconv", "tpu.RequantIntAxis")


def by_name(model):
    return {tensor_name(op.results[0]): op for op in model.ops()}


def weights_of(op, model):
    return [model.weight(v) for v in op.operands if v.owner.name == "top.Weight"]


RANGED_APART = {"asym": ("l1_LeakyRelu", "u1_Resize", "dc_ConvTranspose"), "sym": ()}
"""The established tools give a leaky relu its input's range, of which it uses a tenth below 0; and so what reads it."""
each_network_and_symmetry = pytest.mark.parametrize(("name", "symmetry"), [("cnn", "sym"), ("cnn", "asym"), ("det", "sym"), ("det", "asym")])


@each_network_and_symmetry
def test_quantizations_are_those_of_the_established_tools(name, symmetry, data, lowered_int8):
    ours = by_name(lowered_int8(name, symmetry=symmetry)[0])
    golden = by_name(load_model(data / f"{name}_int8_{symmetry}_1lowered.mlir"))
    compared = 0
    for tensor, op in golden.items():
        wanted, given = quantization_of(op.results[0]), quantization_of(ours[tensor].results[0]) if tensor in ours else None
        if wanted is not None and given is not None and not tensor.startswith(RANGED_APART[symmetry]):
            assert given.scale == pytest.approx(wanted.scale, rel=1e-7), tensor
            assert (given.zero_point, given.is_signed) == (wanted.zero_point, wanted.is_signed), tensor
            compared += 1
    assert compared >= 10


@each_network_and_symmetry
def test_convolutions_and_products_are_those_of_the_established_tools(name, symmetry, data, lowered_int8):
    golden_model = load_model(data / f"{name}_int8_{symmetry}_1lowered.mlir")
    model = lowered_int8(name, symmetry=symmetry, is_matmul_per_column=False)[0]
    ours, compared = by_name(model), 0
    for tensor, op in by_name(golden_model).items():
        if op.name in SCALED_ALIKE and not tensor.startswith(RANGED_APART[symmetry]):
            for attribute in ("multiplier", "rshift", "multipliers", "rshifts"):
                if attribute in op.attributes:
                    assert ours[tensor].get(attribute) == op.get(attribute), tensor
            for wanted, given in zip(weights_of(op, golden_model), weights_of(ours[tensor], model), strict=True):
                assert np.array_equal(wanted, given), tensor
            compared += 1
    assert compared >= 3


@pytest.mark.parametrize("symmetry", ["sym", "asym"])
def test_tables_are_those_of_the_established_tools(symmetry, data, lowered_int8):
    golden_model, model = load_model(data / f"det_int8_{symmetry}_1lowered.mlir"), lowered_int8("det", symmetry=symmetry)[0]
    ours = by_name(model)
    for tensor in ("x0_Mul", "out0_Sigmoid"):
        (wanted,), (given,) = weights_of(by_name(golden_model)[tensor], golden_model), weights_of(ours[tensor], model)
        assert wanted.dtype == given.dtype and np.array_equal(wanted, given)


@pytest.mark.parametrize("name", ["cnn", "det"])
def test_f32_text_has_the_ops_and_attributes_of_the_established_tools(name, data, lowered_f32):
    golden, ours = by_name(load_model(data / f"{name}_f32_1lowered.mlir")), by_name(lowered_f32(name))
    assert list(golden) == list(ours)
    for tensor, op in golden.items():
        assert ours[tensor].name == op.name and ours[tensor].results[0].type == op.results[0].type
        assert len(ours[tensor].operands) == len(op.operands)
        for attribute in op.kinds():
            if attribute in op.attributes:
                assert ours[tensor].get(attribute) == op.get(attribute), (tensor, attribute)


def test_a_per_column_product_has_one_multiplier_a_column(lowered_int8):
    op = by_name(lowered_int8("cnn")[0])["output_Gemm"]
    assert len(op.get("multipliers")) == len(op.get("rshifts")) == shape_of(op.results[0])[-1]


def test_sums_have_15_bit_multipliers(lowered_int8):
    op = by_name(lowered_int8("cnn")[0])["r2_Relu"]
    assert all(2**14 <= m < 2**15 for m in op.get("multipliers"))


def test_concatenated_tensors_share_a_quantization(lowered_int8):
    for name in ("cnn", "det"):
        op = by_name(lowered_int8(name)[0])["cc_Concat"]
        assert {quantization_of(v) for v in op.operands} == {quantization_of(op.results[0])}


def test_casts_stand_where_precisions_meet(lowered_int8):
    model, plan = lowered_int8("cnn", {"w1_Conv": Precision.F32})
    ops = by_name(model)
    assert storage_of(ops["w1_Conv"].results[0]) == "f32"
    assert ops["k1_Clipw1_Conv_f32"].name == ops["w1_Convr2_Relu_si8"].name == "tpu.Cast"
    assert "w1_Conv" in {op.name for op in plan.fallbacks()}


def test_a_value_is_cast_once_for_all_users_of_a_precision(lowered_int8):
    model = lowered_int8("cnn", {"r2_Relu": Precision.F32, "cc_Concat": Precision.F32})[0]
    casts = [tensor_name(op.results[0]) for op in model.ops() if op.name == "tpu.Cast"]
    assert len([c for c in casts if c.startswith("p1_MaxPool")]) == 1


def test_outputs_are_f32_and_the_state_is_lowered(lowered_int8):
    model = lowered_int8("cnn")[0]
    assert model.state is State.TPU_LOWERED and model.mode == "INT8" and model.chip == "bm1684x"
    assert [tensor_name(v) for v in model.outputs] == ["output_Gemm_f32"]


def test_the_given_model_is_not_changed(data, chip, lowered_int8):
    from tpuc_bm1684x.lowering import lower
    from tpuc_int8.quantizer import plan_int8

    model = load_model(data / "cnn_calibrated.mlir")
    before = print_text(model.module)
    lower(model, plan_int8(model, chip, {}))
    assert print_text(model.module) == before and "fc.weight_fix" in model.weights


def test_quantized_borders_have_no_casts(lowered_int8):
    model = lowered_int8("cnn", quant_input=True, quant_output=True)[0]
    assert storage_of(model.inputs[0].results[0]) == "i8"
    assert [tensor_name(v) for v in model.outputs] == ["output_Gemm"]
    assert storage_of(model.outputs[0]) == "i8"
    model.module.verify()


def test_unused_constants_vanish(lowered_int8):
    model = lowered_int8("cnn")[0]
    used = {tensor_name(op.results[0]) for op in model.module.walk() if op.name == "top.Weight"}
    assert used == set(model.weights) and "fc.weight_fix" not in used


def test_an_op_without_a_form_in_the_planned_precision_is_one_sentence(data, chip):
    from tpuc_bm1684x.lowering import lower
    from tpuc_int8.quantizer import plan_int8

    from tpuc_core.plan import OpPlan

    model = load_model(data / "det_calibrated.mlir")
    plan = plan_int8(model, chip, {})
    plan.ops["out1_Softmax"] = OpPlan("out1_Softmax", "top.Softmax", Precision.INT8)
    with pytest.raises(TpucError, match=r'"out1_Softmax".*no INT8 form of top.Softmax'):
        lower(model, plan)
