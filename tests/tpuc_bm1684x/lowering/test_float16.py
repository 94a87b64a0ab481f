"""Models lowered in F16 against those of the established tool chain, and what differs on purpose."""

import numpy as np
import pytest
from tpuc_bm1684x.lowering import lower
from tpuc_float16.quantizer import plan_float16

from tests.tpuc_bm1684x.nets import Net, TestChip
from tpuc_core.ir import load_model, storage_of, tensor_name
from tpuc_core.plan import Precision

WIDER_THERE = {"tpu.Active", "tpu.Pool2D", "tpu.Softmax", "tpu.Reshape"}
"""Ops that the established tools run in F32 between casts, and tpuc in F32 inside an op of 16 bits, or what follows them."""


def by_name(model):
    return {tensor_name(op.results[0]): op for op in model.ops()}


@pytest.mark.parametrize("name", ["cnn", "det"])
def test_ops_have_the_types_and_attributes_of_the_established_tools(name, data, lowered_f16):
    golden, ours = by_name(load_model(data / f"{name}_f16_1lowered.mlir")), by_name(lowered_f16(name))
    compared = 0
    for tensor, op in golden.items():
        if op.name == "tpu.Cast" or op.name in WIDER_THERE:
            continue
        assert ours[tensor].name == op.name and storage_of(ours[tensor].results[0]) == storage_of(op.results[0]), tensor
        for attribute in op.kinds():
            if attribute in op.attributes:
                assert ours[tensor].get(attribute) == op.get(attribute), (tensor, attribute)
        compared += 1
    assert compared >= 6


@pytest.mark.parametrize("name", ["cnn", "det"])
def test_weights_have_their_names_and_bits(name, data, lowered_f16):
    golden, ours = load_model(data / f"{name}_f16_1lowered.mlir").weights, lowered_f16(name).weights
    narrow = [weight for weight in golden if weight.endswith("_f16") and "bias" not in weight]
    assert len(narrow) >= 4
    for weight in narrow:
        assert ours[weight].dtype == np.uint16 and np.array_equal(ours[weight].ravel(), golden[weight].ravel()), weight


def test_biases_stay_f32(lowered_f16):
    model = lowered_f16("cnn")
    biases = [op.operands[2] for op in model.ops() if op.name in ("tpu.Conv2D", "tpu.MatMul")]
    assert len(biases) >= 4 and {storage_of(v) for v in biases} == {"f32"}


def test_casts_are_named_after_both_ends(lowered_f16):
    casts = [name for name, op in by_name(lowered_f16("cnn")).items() if op.name == "tpu.Cast"]
    assert casts == ["inputr1_Relu_f16", "output_Gemm_f32"]


def test_an_output_keeps_its_name_where_a_float_op_reads_it_too():
    net = Net((1, 4, 6, 6))
    y = net.op("Relu", [net.values[0]], (1, 4, 6, 6))
    z = net.op("Sigmoid", [y], (1, 4, 6, 6))
    net.model.set_outputs([y, z])
    model = lower(net.model, plan_float16(net.model, TestChip(), "F16", {tensor_name(z): Precision.F32}))
    assert [tensor_name(value) for value in model.outputs] == [f"{tensor_name(y)}_f32", tensor_name(z)]
    assert [op.name for op in model.ops()] == ["tpu.Cast", "tpu.Relu", "tpu.Cast", "tpu.Active"]
