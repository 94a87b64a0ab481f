"""Softmax, layer norm and reductions along any axis, also one that is longer than local memory."""

import math

import pytest
from nets import Net
from tpuc_bm1684x.kernels import along_axis

SHAPE = (2, 66, 9, 3)


@pytest.fixture(params=[along_axis.MOST_LENGTH, 4], ids=["whole", "chunks of 4"])
def most_length(request, monkeypatch):
    monkeypatch.setattr(along_axis, "MOST_LENGTH", request.param)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_softmax(prove_net, most_length, axis, log):
    net = Net(SHAPE)
    net.op("Softmax", [net.values[0]], SHAPE, axis=axis, log=log)
    prove_net(net, "F32")


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("is_affine", [False, True])
def test_layer_norm(prove_net, most_length, axis, is_affine):
    net = Net(SHAPE)
    normalized = SHAPE[axis:]
    constants = [net.weight(name, normalized) if is_affine else None for name in ("w", "b")]
    net.op("LayerNorm", [net.values[0], *constants], SHAPE, axis=axis, eps=1e-5, normalized_shape=normalized)
    prove_net(net, "F32")


@pytest.mark.parametrize("mode", ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceProd"])
@pytest.mark.parametrize("axes", [(1,), (2,), (3,), (1, 2), (0, 2), (1, 3)], ids=str)
def test_reduce(prove_net, most_length, mode, axes):
    shape = (2, 7, 9, 5)
    net = Net(shape)
    net.op("Reduce", [net.values[0]], [1 if i in axes else n for i, n in enumerate(shape)], mode=mode, axes=list(axes), keepdims=True)
    prove_net(net, "F32")


@pytest.mark.parametrize("mode", ["ReduceMean", "ReduceMax"])
def test_reductions_over_more_than_a_lane_holds(prove_net, mode):
    shape = (1, 2, 300, 300)
    net = Net(shape)
    net.op("Reduce", [net.values[0]], (1, 2), mode=mode, axes=[2, 3], keepdims=False)
    net.op("Softmax", [net.op("Reshape", [net.values[0]], (2, math.prod(shape) // 2), shape=[2, 90000])], (2, 90000), axis=1)
    prove_net(net, "F32", net.values[-1], net.values[-3])


@pytest.mark.parametrize("kind", ["AvgPool", "MaxPool"])
def test_windows_over_a_large_map(prove_net, kind):
    net = Net((1, 3, 200, 210))
    net.op(kind, [net.values[0]], (1, 3, 1, 1), kernel_shape=[200, 210], strides=[1, 1], pads=[0] * 4)
    prove_net(net, "F32")


@pytest.mark.parametrize("mode", ["F32", "INT8"])
@pytest.mark.parametrize("kind", ["AvgPool", "MaxPool"])
def test_windows_of_one_dimension(prove_net, kind, mode):
    net = Net((2, 5, 30))
    net.op(kind, [net.values[0]], (2, 5, 15), kernel_shape=[3], strides=[2], pads=[1, 0], count_include_pad=False)
    prove_net(net, mode)
