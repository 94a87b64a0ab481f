"""Moves of any number of axes and of any size, against float evaluation and in both modes."""

import random

import numpy as np
import pytest
from nets import Net

MODES = ["F32", "F16", "BF16", "INT8"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(12))
def test_random_permutes(prove_net, mode, seed):
    rng = random.Random(seed)
    rank = rng.randint(2, 6)
    shape, order = [rng.choice([1, 2, 3, 40]) for _ in range(rank)], rng.sample(range(rank), rank)
    while np.prod(shape) > 50000:
        shape[shape.index(40)] = 4
    net = Net(shape)
    net.op("Permute", [net.values[0]], [shape[i] for i in order], order=order)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("shape", "tile"), [((2, 3, 4, 1), [2, 1, 1, 5]), ((2, 1, 4, 3), [1, 7, 1, 2]), ((5,), [3])], ids=str)
def test_tile(prove_net, mode, shape, tile):
    net = Net(shape)
    net.op("Tile", [net.values[0], None], [a * b for a, b in zip(shape, tile)], tile=tile)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_inversed", [True, False])
@pytest.mark.parametrize("is_crd", [True, False])
def test_pixels_and_channels(prove_net, mode, is_crd, is_inversed):
    shapes = [(2, 12, 3, 4), (2, 3, 6, 8)]
    shape, result = reversed(shapes) if is_inversed else shapes
    net = Net(shape)
    x = net.op("Depth2Space", [net.values[0]], result, block_h=2, block_w=2, is_CRD=is_crd, is_inversed=is_inversed)
    net.op("ShuffleChannel", [x], result, group=3)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("offset", "step", "count"), [(-10, 2, 3), (1, 150, 2), (0, 33, 7)])
def test_slices_with_steps_longer_than_a_stride_of_a_row(prove_net, mode, offset, step, count):
    net = Net((2, 3, 4, 220))
    net.op("Slice", [net.values[0], None, None, None], (2, 2, 4, count), offset=[0, -2, 0, offset], steps=[1, 1, 1, step], ends=[2, 3, 4, 220])
    prove_net(net, mode)


def test_axes_that_no_field_holds(prove_net):
    net = Net((1, 70001), (1, 65537))
    x = net.op("Concat", net.values[:2], (1, 135538), axis=1)
    x = net.op("Pad", [x, None], (1, 135541), mode="constant", paddings=[0, 1, 0, 2], val=0.5)
    x = net.op("Reshape", [x], (1, 135541, 1), shape=[1, 135541, 1])
    x = net.op("Tile", [x, None], (1, 135541, 3), tile=[1, 1, 3])
    net.op("Permute", [x], (1, 3, 135541), order=[0, 2, 1])
    prove_net(net, "F32")


@pytest.mark.parametrize("mode", MODES)
def test_a_pooling_over_everything_has_any_stride(prove_net, mode):
    net = Net((2, 8, 20, 20))
    net.op("AvgPool", [net.values[0]], (2, 8, 1, 1), kernel_shape=[20, 20], strides=[20, 20], pads=[0] * 4)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
def test_concat_with_a_constant(prove_net, mode):
    net = Net((2, 8, 3, 4))
    net.op("Concat", [net.weight("c", (2, 1, 3, 4)), net.values[0], net.weight("d", (2, 2, 3, 4))], (2, 11, 3, 4), axis=1)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("border", ["reflect", "symmetric", "edge"])
def test_borders_of_what_is_inside(prove_net, mode, border):
    net = Net((1, 3, 6, 7))
    net.op("Pad", [net.values[0], None], (1, 4, 10, 12), mode=border, paddings=[0, 1, 1, 3, 0, 0, 3, 2], val=0.0)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axis", [0, 1, 3])
def test_backwards(prove_net, mode, axis):
    net = Net((2, 3, 4, 5))
    x = net.op("Reverse", [net.values[0]], (2, 3, 4, 5), axis=axis)
    net.op("Slice", [x, None, None, None], (2, 3, 2, 5), offset=[0, 0, 3, 4], steps=[1, 1, -2, -1], ends=[2, 3, -5, -6])
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rows", [64, 131, 1000])
def test_many_short_pieces_side_by_side(prove_net, mode, rows):
    net = Net((1, rows, 3), (1, rows, 1))
    net.op("Concat", [net.values[0], net.values[1], net.weight("c", (1, rows, 2)), net.values[1]], (1, rows, 7), axis=2)
    prove_net(net, mode)
