"""F16 and BF16 beyond the ops of test_proof.py: what is computed in f32 inside, casts between precisions, 16 bits at the border."""

import numpy as np
import pytest
from nets import Net, TestChip, assert_similar, four_precisions, real, samples
from tpuc_bm1684x.lowering import lower
from tpuc_bm1684x.simulator.simulator import Simulator
from tpuc_float16.quantizer import plan_float16
from tpuc_int8.quantizer import plan_int8

from tpuc_core.errors import TpucError
from tpuc_core.ir import State, storage_of

MODES = ["F16", "BF16"]
STORAGE = {"F16": "f16", "BF16": "bf16"}
each_mode = pytest.mark.parametrize("mode", MODES)


@each_mode
@pytest.mark.parametrize(("shape", "axis"), [((3, 1000), 1), ((2, 5, 7, 9), 1), ((1, 21, 6, 70), 1)], ids=str)
def test_softmax(prove_net, mode, shape, axis):
    net = Net(shape)
    net.op("Softmax", [net.values[0]], shape, axis=axis)
    prove_net(net, mode)


@each_mode
@pytest.mark.parametrize("kind", ["Sqrt", "Elu", "GELU", "Mish", "Softplus", "HardSigmoid", "Erf", "Cos", "Floor", "Sign"])
def test_functions(prove_net, mode, kind):
    net = Net((2, 66, 5, 7))
    x = net.op("Abs", [net.values[0]], (2, 66, 5, 7)) if kind == "Sqrt" else net.values[0]
    attributes = {"Elu": {"alpha": 1.0}, "HardSigmoid": {"alpha": 0.2, "beta": 0.5}}.get(kind, {})
    x = net.op("Clip", [x], (2, 66, 5, 7), min=-3.0, max=3.0)
    final = net.op(kind, [x], (2, 66, 5, 7), **attributes)
    if kind in ("Cos", "Floor", "Sign"):  # of rounded values: too different from float to compare
        net.model.set_outputs([final])
        mode_model = net.lowered(mode)
        assert storage_of(mode_model.outputs[0].owner.operands[0]) == STORAGE[mode]
    else:
        prove_net(net, mode)


@each_mode
@pytest.mark.parametrize("shape", [(2, 66, 5, 7), (1, 66, 1, 1), (2, 1, 5, 7), (1,)], ids=str)
def test_division_is_by_f32(prove_net, mode, shape):
    net = Net((2, 66, 5, 7), shape)
    divisor = net.op("AddConst", [net.op("Abs", [net.values[1]], shape)], shape, const_val=0.5)
    net.op("Div", [net.values[0], divisor], (2, 66, 5, 7))
    net.op("Reciprocal", [divisor], shape, const_val=2.0)
    prove_net(net, mode, *net.values[-2:])


@each_mode
@pytest.mark.parametrize("reduce", ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2"])
@pytest.mark.parametrize("axes", [[1], [2, 3]], ids=str)
def test_reductions_round_once(prove_net, mode, reduce, axes):
    net = Net((2, 9, 5, 7))
    net.op("Reduce", [net.values[0]], [1 if i in axes else n for i, n in enumerate((2, 9, 5, 7))], axes=axes, keepdims=True, mode=reduce)
    prove_net(net, mode)


def test_squares_beyond_f16_have_a_root_within(prove):
    net = Net((1, 4, 1, 64))
    x = net.op("MulConst", [net.values[0]], (1, 4, 1, 64), const_val=300.0)
    net.op("Reduce", [x], (1, 4, 1, 1), axes=[3], keepdims=True, mode="ReduceL2")
    _, tensors = prove(net.lowered("F16"))
    wanted = np.linalg.norm(tensors["in0"] * 300, axis=3, keepdims=True)
    assert_similar("F16", list(tensors.values())[-1], wanted)


@each_mode
def test_an_average_of_many_rounds_once(prove_net, mode):
    net = Net((1, 70, 32, 32))
    net.op("AvgPool", [net.values[0]], (1, 70, 1, 1), kernel_shape=[32, 32], strides=[1, 1], pads=[0] * 4, count_include_pad=True)
    prove_net(net, mode)


@each_mode
def test_layer_norm_and_products_of_activations(prove_net, mode):
    net = Net((2, 12, 32), (2, 32, 20))
    x = net.op("LayerNorm", [net.values[0], net.weight("g", (32,)), net.weight("b", (32,))], (2, 12, 32), axis=2, eps=1e-5, normalized_shape=[32])
    net.op("MatMul", [x, net.values[1], None], (2, 12, 20))
    prove_net(net, mode)


@each_mode
def test_a_product_of_three_axes_with_a_constant(prove_net, mode):
    net = Net((2, 12, 32))
    net.op("MatMul", [net.values[0], net.weight("w", (32, 20), 0.2), net.weight("b", (20,))], (2, 12, 20))
    prove_net(net, mode)


@each_mode
@pytest.mark.parametrize(("kind", "attributes"), [("InstanceNorm", {}), ("GroupNorm", {"num_groups": 3}), ("PixelNorm", {})])
def test_normalizations(prove_net, mode, kind, attributes):
    net = Net((2, 12, 5, 6))
    net.op(kind, [net.values[0], net.weight("w", (12,)), net.weight("b", (12,))], (2, 12, 5, 6), eps=1e-5, **attributes)
    prove_net(net, mode)


@each_mode
def test_choices_and_shapes_of_five_axes(prove_net, mode):
    net = Net((2, 3, 4, 5, 6), (2, 3, 4, 5, 6), (2, 3, 4, 5, 1))
    x = net.op("Where", [*net.values[:2], net.values[0]], (2, 3, 4, 5, 6), x_is_const=False, y_is_const=False)
    net.op("Add", [x, net.values[2]], (2, 3, 4, 5, 6), do_relu=True)
    prove_net(net, mode)


@each_mode
def test_a_convolution_of_one_dimension(prove_net, mode):
    net = Net((1, 5, 60))
    weights = [net.weight("w", (7, 5, 9), 0.2), net.weight("b", (7,))]
    net.op("Conv", [net.values[0], *weights], (1, 7, 3), kernel_shape=[9], strides=[20], pads=[4, 0], dilations=[1], group=1)
    prove_net(net, mode)


@each_mode
def test_interpolation_and_gather(prove_net, mode):
    net = Net((1, 3, 8, 6))
    x = net.op("Interp", [net.values[0], None], (1, 3, 16, 12), mode="linear", coord_mode="half_pixel", scale_h=2.0, scale_w=2.0)
    net.model.weights["indices"] = np.array([3, 0, 11], np.float32)
    net.op("Gather", [x, net.weight("indices", (3,))], (1, 3, 16, 3), axis=3)
    net.model.weights["indices"] = np.array([3, 0, 11], np.float32)
    prove_net(net, mode)


@each_mode
def test_large_numbers_saturate_weights_but_not_results(prove, mode):
    net = Net((1, 2, 3, 3))
    weight = net.weight("big", (1, 2, 1, 1))
    net.model.weights["big"] = np.full((1, 2, 1, 1), 1e6, np.float32)
    net.op("Mul", [net.values[0], weight], (1, 2, 3, 3))
    model = net.lowered(mode)
    assert np.isfinite(real(model.weights[f"big_{STORAGE[mode]}"].view(np.float16 if mode == "F16" else np.uint16))).all()
    prove(model)


@pytest.mark.parametrize("mode", ["F16", "BF16", "INT8"])
def test_any_precision_may_meet_any_other(prove, mode):
    net = Net((1, 8, 9, 9))
    chosen = four_precisions(net)
    net.model.set_outputs([net.values[-1]])
    net.calibrate()
    quantizer = plan_int8 if mode == "INT8" else lambda *args: plan_float16(*args[:2], mode, args[2])
    plan = quantizer(net.model, TestChip(), chosen)
    assert {name: op.precision for name, op in plan.ops.items()} == chosen
    model = lower(net.model, plan)
    pairs = {(storage_of(op.operands[0]), storage_of(op.results[0])) for op in model.ops() if op.name == "tpu.Cast"}
    kinds = {"f32", "f16", "bf16"}
    assert pairs >= {(a, b) for a in kinds for b in kinds if a != b}
    assert {a for a, b in pairs if b in ("i8", "u8")} == kinds and {b for a, b in pairs if a in ("i8", "u8")} == kinds
    prove(model)


@each_mode
def test_sixteen_bits_at_the_border(compiled, mode):
    net = Net((1, 3, 8, 8))
    net.conv(net.values[0], 6, 3, pad=1)
    net.model.set_outputs([net.values[-1]])
    plain = lower(net.model, plan_float16(net.model, TestChip(), mode, {}))
    model = lower(net.model, plan_float16(net.model, TestChip(), mode, {}), quant_input=True, quant_output=True)
    assert model.state is State.TPU_LOWERED and not [op for op in model.ops() if op.name == "tpu.Cast"]
    inputs = samples(net.model)
    wanted = Simulator(compiled(plain, "plain")[0]).run(inputs)
    session = Simulator(compiled(model, "narrow")[0])
    assert [t.dtype for t in (*session.inputs, *session.outputs)] == [{"F16": "float16", "BF16": "bfloat16"}[mode]] * 2
    found = session.run(inputs, dequantize=False)
    assert all(np.array_equal(real(a), b) for a, b in zip(found.values(), wanted.values(), strict=True))


def test_a_border_that_stays_f32_is_one_sentence():
    net = Net((1, 3, 8, 8))
    net.op("Reshape", [net.values[0]], (1, 192), shape=[1, 192])
    net.model.set_outputs([net.values[-1]])
    with pytest.raises(TpucError, match=r"no input .* 8 or 16 bits"):
        lower(net.model, plan_float16(net.model, TestChip(), "F16", {}), quant_input=True)
