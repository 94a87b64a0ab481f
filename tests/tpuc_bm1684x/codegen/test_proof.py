"""Interpreter = simulator for every op that is compiled, whole and in slices, in every precision."""

import numpy as np
import pytest
from nets import Net
from tpuc_bm1684x.codegen.emit import Emitter
from tpuc_bm1684x.kernels.local_memory import DoesNotFit

MODES = ["F32", "F16", "BF16", "INT8", "INT8_ASYM", "UINT8"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options", [
    {"oc": 8, "kernel": 3, "pad": 1}, {"oc": 70, "kernel": 1}, {"oc": 130, "kernel": 3, "stride": 2, "pad": 1, "relu": True}, {"oc": 12, "kernel": 5, "pad": 2, "dilation": 2},
    {"oc": 6, "kernel": 3, "group": 3, "pad": 1}, {"oc": 66, "kernel": 3, "pad": 1, "bias": False}, {"oc": 4, "kernel": 7, "stride": 2, "pad": 3, "relu": True},
], ids=str)
def test_convolution(prove_net, mode, options):
    net = Net((2, 6, 14, 13))
    net.conv(net.values[0], **options)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("channels", "stride"), [(8, 1), (65, 2), (130, 1)])
def test_depthwise_convolution(prove_net, mode, channels, stride):
    net = Net((2, channels, 9, 10))
    net.conv(net.values[0], channels, 3, stride=stride, pad=1, group=channels, relu=True)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
def test_filters_too_large_for_a_lane_are_computed_in_chunks(prove, mode):
    net = Net((2, 600, 3, 3))
    net.conv(net.values[0], 450, 3, pad=1)
    final, _ = prove(net.lowered(mode))
    assert mode == "INT8" or len(final.weights) == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_tensor_larger_than_local_memory_is_cut_in_rows(prove, mode):
    net = Net((1, 3, 200, 400))
    x = net.conv(net.values[0], 40, 3, pad=1, relu=True)
    x = net.conv(x, 40, 3, stride=2, pad=1, group=40)
    x = net.op("MaxPool", [x], (1, 40, 50, 100), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    net.op("Upsample", [x], (1, 40, 150, 300), scale_h=3, scale_w=3)
    final, _ = prove(net.lowered(mode))
    cuts = [op.get("hsecs") for op in final.module.walk() if op.name == "tpu.Group"]
    assert max(cuts) > 1


@pytest.mark.parametrize("mode", MODES)
def test_a_residual_block_stays_in_local_memory(prove, mode):
    net = Net((1, 64, 14, 14))
    x = net.conv(net.values[0], 64, 3, pad=1, relu=True)
    y = net.conv(net.conv(x, 64, 3, pad=1, relu=True), 64, 3, pad=1)
    net.op("Add", [y, x], (1, 64, 14, 14), do_relu=True)
    final, _ = prove(net.lowered(mode))
    groups = [op for op in final.module.walk() if op.name == "tpu.Group"]
    assert len(groups) < 4
    assert sum(op.name == "tpu.Store" for op in final.module.walk()) < 4


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["MaxPool", "AvgPool"])
@pytest.mark.parametrize("counts", [True, False])
def test_pooling(prove_net, mode, kind, counts):
    net = Net((2, 70, 9, 11))
    net.op(kind, [net.values[0]], (2, 70, 5, 6), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=counts)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Max", "Min"])
def test_two_tensors(prove_net, mode, kind, relu):
    net = Net((2, 66, 5, 7), (2, 66, 5, 7))
    attributes = {"do_relu": relu} if kind in ("Add", "Sub", "Mul") else {}
    net.op(kind, net.values[:2], (2, 66, 5, 7), **attributes)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 66, 1, 1), (2, 66, 1, 1), (1, 1, 5, 7), (7,), (5, 1), (2, 1, 5, 1)], ids=str)
def test_broadcast(prove_net, mode, shape):
    net = Net((2, 66, 5, 7), shape)
    net.op("Mul", net.values[:2], (2, 66, 5, 7))
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(1,), (1, 66, 1, 1), (2, 66, 5, 7)], ids=str)
def test_a_constant_operand(prove_net, mode, shape):
    net = Net((2, 66, 5, 7))
    net.op("Add", [net.values[0], net.weight("c", shape)], (2, 66, 5, 7))
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["Relu", "Sigmoid", "SiLU", "Tanh", "HardSwish", "Exp", "Abs"])
def test_functions_of_one_variable(prove_net, mode, kind):
    net = Net((2, 66, 5, 7))
    net.op(kind, [net.values[0]], (2, 66, 5, 7))
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
def test_leaky_and_parametric_relu_and_limits(prove_net, mode):
    net = Net((2, 66, 5, 7))
    x = net.op("LeakyRelu", [net.values[0]], (2, 66, 5, 7), alpha=0.1)
    x = net.op("PRelu", [x, net.weight("slope", (1, 66, 1, 1))], (2, 66, 5, 7))
    net.op("Clip", [x], (2, 66, 5, 7), min=-1.0, max=2.0)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("shape", "order"), [
    ((2, 3, 4, 5), [0, 2, 3, 1]), ((2, 3, 4, 5), [0, 3, 1, 2]), ((2, 3, 4, 5), [3, 2, 1, 0]), ((2, 3, 4, 5), [0, 2, 1, 3]), ((2, 3, 4, 5), [1, 0, 3, 2]),
    ((2, 3, 4, 5, 6), [0, 3, 1, 4, 2]), ((7, 9), [1, 0]), ((2, 6, 70), [0, 2, 1]),
], ids=str)
def test_permute(prove, mode, shape, order):
    net = Net(shape)
    net.op("Permute", [net.values[0]], [shape[i] for i in order], order=order)
    _, tensors = prove(net.lowered(mode, net.values[-1]))
    if mode == "F32":
        np.testing.assert_array_equal(tensors[net.values[-1].owner.names[0]], tensors["in0"].transpose(order))


@pytest.mark.parametrize("mode", MODES)
def test_concat_slice_pad_and_reshape(prove_net, mode):
    net = Net((2, 5, 6, 7), (2, 3, 6, 7))
    x = net.op("Concat", net.values[:2], (2, 8, 6, 7), axis=1)
    x = net.op("Slice", [x, None, None, None], (2, 4, 3, 5), offset=[0, 1, 0, 2], steps=[1, 2, 2, 1], ends=[2, 8, 6, 7])
    x = net.op("Pad", [x, None], (2, 4, 6, 6), mode="constant", paddings=[0, 0, 1, 0, 0, 0, 2, 1], val=0.5)
    net.op("Reshape", [x], (2, 144), shape=[2, 144])
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_crd", [True, False])
def test_depth_to_space(prove_net, mode, is_crd):
    net = Net((2, 12, 3, 4))
    net.op("Depth2Space", [net.values[0]], (2, 3, 6, 8), block_h=2, block_w=2, is_CRD=is_crd, is_inversed=False)
    prove_net(net, mode)


@pytest.mark.parametrize(("shape", "axis"), [((3, 1000), 1), ((2, 5, 7, 9), 1), ((1, 21, 60, 70), 1), ((2, 3, 4), 2), ((70, 6), 0)], ids=str)
def test_softmax(prove, shape, axis):
    net = Net(shape)
    net.op("Softmax", [net.values[0]], shape, axis=axis)
    _, tensors = prove(net.lowered("F32"))
    x = tensors["in0"].astype(np.float64)
    wanted = np.exp(x - x.max(axis, keepdims=True))
    np.testing.assert_allclose(list(tensors.values())[-1], wanted / wanted.sum(axis, keepdims=True), rtol=2e-6)


@pytest.mark.parametrize("mode", MODES)
def test_matrix_with_constant(prove_net, mode):
    net = Net((5, 300))
    weight, bias = net.weight("w", (300, 130), 0.1), net.weight("b", (130,))
    net.op("MatMul", [net.values[0], weight, bias], (5, 130))
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("stride", "pad"), [(1, 0), (2, 1), (3, 0)])
def test_deconvolution(prove_net, mode, stride, pad):
    net = Net((2, 6, 5, 4))
    size = [(v - 1) * stride + 3 - 2 * pad for v in (5, 4)]
    net.op("Deconv", [net.values[0], net.weight("w", (70, 6, 3, 3)), net.weight("b", (70,))], (2, 70, *size), kernel_shape=[3, 3],
           strides=[stride] * 2, pads=[pad] * 4, dilations=[1, 1], group=1)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
def test_one_op_a_group_gives_the_same_outputs_as_groups(prove, mode):
    net = Net((3, 8, 20, 20))
    x = net.conv(net.values[0], 16, 3, pad=1, relu=True)
    net.conv(x, 8, 1)
    model = net.lowered(mode)
    _, grouped = prove(model, opt=2)
    _, single = prove(model, opt=1)
    for name, array in grouped.items():
        assert array.tobytes() == single[name].tobytes()


def test_a_long_softmax(prove_net):
    net = Net((2, 16384))
    net.op("Softmax", [net.values[0]], (2, 16384), axis=1)
    prove_net(net, "F32")


def test_a_softmax_that_is_longer_than_a_lane(prove_net):
    net = Net((1, 20000))
    net.op("Softmax", [net.values[0]], (1, 20000), axis=1)
    prove_net(net, "F32")


@pytest.mark.parametrize("axes", [[1, 2, 3], [2, 3], [3]], ids=str)
@pytest.mark.parametrize("mode", MODES)
def test_means(prove_net, mode, axes):
    net = Net((2, 66, 5, 7))
    net.op("Reduce", [net.values[0]], [1 if i in axes else n for i, n in enumerate((2, 66, 5, 7))], mode="ReduceMean", axes=axes, keepdims=True)
    prove_net(net, mode)


def test_a_step_that_fits_only_alone(prove_net, monkeypatch):
    """Loads of later steps are left out where they take the memory that a step needs."""
    emit_step = Emitter._emit_step

    def fits_alone(self, tasks, later, lookahead):
        if later:
            raise DoesNotFit("beside loads of later steps")
        emit_step(self, tasks, later, lookahead)

    monkeypatch.setattr(Emitter, "_emit_step", fits_alone)
    net = Net((1, 8, 9, 9))
    x = net.op("Permute", [net.conv(net.values[0], 8, 3, pad=1)], (1, 9, 9, 8), order=[0, 2, 3, 1])
    net.op("Relu", [x], (1, 9, 9, 8))
    prove_net(net, "F32")
