"""Legal attributes, operands and names that most networks do without: interpreter = simulator, and near float evaluation."""

import numpy as np
import pytest
from nets import Net, TestChip
from tpuc_bm1684x.lowering import lower
from tpuc_float16.quantizer import plan_float16

from tpuc_core.ir import tensor_name, tensor_type, top

MODES = ["F32", "F16", "BF16", "INT8", "INT8_ASYM", "UINT8"]
FLOAT_MODES = MODES[:3]
SHAPE = (2, 66, 5, 7)
LARGEST = float(np.finfo(np.float32).max)


def has_no_negative_values(prove, net, mode):
    _, tensors = prove(net.lowered(mode))
    given = tensors[f"{tensor_name(net.values[-1])}_f32"]
    return given.min() == 0 < given.max()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("limit", [-1.0, 1.5])
def test_an_upsample_with_a_relu(prove, prove_net, mode, limit):
    net = Net(SHAPE)
    net.op("Upsample", [net.values[0]], (2, 66, 10, 21), scale_h=2, scale_w=3, do_relu=True, relu_limit=limit)
    prove_net(net, mode)
    assert mode in FLOAT_MODES or has_no_negative_values(prove, net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("limit", [-1.0, 1.5])
def test_a_concat_with_a_relu(prove, prove_net, mode, limit):
    net = Net(SHAPE, SHAPE)
    net.op("Concat", net.values[:2], (2, 66, 5, 14), axis=-1, do_relu=True, relu_limit=limit)
    prove_net(net, mode)
    assert mode in FLOAT_MODES or has_no_negative_values(prove, net, mode)


@pytest.mark.parametrize("mode", FLOAT_MODES)
@pytest.mark.parametrize("kind", ["Add", "Sub"])
@pytest.mark.parametrize("is_constant", [True, False])
def test_terms_with_coefficients(prove_net, mode, kind, is_constant):
    net = Net(SHAPE, SHAPE)
    right = net.weight("w", (66, 1, 1)) if is_constant else net.values[1]
    net.op(kind, [net.values[0], right], SHAPE, coeff=[2.0, -0.5], do_relu=True)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", FLOAT_MODES)
@pytest.mark.parametrize("kind", ["Add", "Mul", "Max", "Min"])
def test_a_single_operand(prove_net, mode, kind):
    net = Net(SHAPE)
    net.op(kind, net.values[:1], SHAPE)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("slope", [(1,), (66,), (66, 5, 7), (1, 1, 66)], ids=str)
def test_slopes_of_a_parametric_relu(prove_net, mode, slope):
    shape = (2, 66, 5, 66) if slope == (1, 1, 66) else SHAPE  # as long as there are channels, but not theirs
    net = Net(shape)
    net.op("PRelu", [net.values[0], net.weight("slope", slope)], shape)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_bias_of_a_matrix_product_that_is_a_matrix(prove_net, mode):
    net = Net((2, 5, 8))
    net.op("MatMul", [net.values[0], net.weight("w", (8, 6)), net.weight("b", (5, 6))], (2, 5, 6))
    prove_net(net, mode)


@pytest.mark.parametrize("mode", FLOAT_MODES)
@pytest.mark.parametrize("approximation", ["normal", "tanh", "sigm"])
def test_approximations_of_gelu(prove_net, mode, approximation):
    net = Net(SHAPE)
    net.op("GELU", [net.values[0]], SHAPE, approx_mode=approximation)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", FLOAT_MODES)
@pytest.mark.parametrize("constant", [-LARGEST, LARGEST])
def test_zero_times_a_constant_beyond_the_type_is_zero(prove, mode, constant):
    net = Net(SHAPE)
    x = net.op("MulConst", [net.values[0]], SHAPE, const_val=0.0)
    x = net.op("MulConst", [x], SHAPE, const_val=constant)
    weight = net.weight("w", (66, 1, 1))
    net.model.weights["w"][:] = constant
    net.op("Mul", [x, weight], SHAPE)
    final, tensors = prove(net.lowered(mode))
    assert not tensors[tensor_name(final.outputs[0])].any()


@pytest.mark.parametrize("mode", FLOAT_MODES)
def test_a_division_by_zero(prove, mode):
    net = Net(SHAPE)
    net.op("DivConst", [net.values[0]], SHAPE, const_val=0.0)
    final, tensors = prove(net.lowered(mode))
    given = tensors[tensor_name(final.outputs[0])]
    np.testing.assert_array_equal(given, np.copysign(np.inf, tensors["in0"]))


def test_casts_whose_names_would_be_the_same(prove):
    net = Net(SHAPE)

    def add(kind, name, operand, **attributes):
        op = getattr(top, f"{kind}Op").make(name, [operand], tensor_type(SHAPE), **attributes)
        net.block.add_op(op)
        return op.results[0]

    first, second = add("Relu", "1", net.values[0]), add("Sigmoid", "12", net.values[0])
    net.model.set_outputs([add("LogB", "23", first, base=2.0), add("LogB", "3", second, base=2.0)])
    model = lower(net.model, plan_float16(net.model, TestChip(), "F16", {}))
    names = [tensor_name(result) for op in model.ops() for result in op.results]
    assert len(set(names)) == len(names)
    prove(model)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("offset, step, count", [(-100, 2, 3), (-100, 1, 5), (100, -1, 5), (-2, 1, 2)])
def test_a_slice_from_beyond_its_ends(prove_net, mode, offset, step, count):
    net = Net((2, 5, 7))
    net.op("Slice", [net.values[0], None, None, None], (2, count, 7), offset=[0, offset, 0], steps=[1, step, 1], ends=[2, 5 if step > 0 else -6, 7])
    prove_net(net, mode)
