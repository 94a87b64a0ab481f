"""Convolutions of one dimension, with strides and padding beyond the instruction's fields."""

import pytest
from nets import Net

from tpuc_core.ir import shape_of

MODES = ["F32", "INT8", "INT8_ASYM"]


def convolution(net, x, oc, kernel, *, group=1, relu=False, **geometry):
    """A convolution of any number of dimensions with random weights."""
    n, ic, *sizes = shape_of(x)
    rank = len(sizes)
    strides, pads, dilations = (geometry.get(k) or [d] * m for k, d, m in (("strides", 1, rank), ("pads", 0, 2 * rank), ("dilations", 1, rank)))
    size = [(s + pads[i] + pads[rank + i] - (k - 1) * dilations[i] - 1) // strides[i] + 1 for i, (s, k) in enumerate(zip(sizes, kernel))]
    weight = net.weight("w", (oc, ic // group, *kernel), 0.3)
    return net.op("Conv", [x, weight, net.weight("b", (oc,))], (n, oc, *size), kernel_shape=list(kernel), strides=strides, pads=pads,
                  dilations=dilations, group=group, do_relu=relu)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("geometry", [{}, {"pads": [2, 1], "strides": [3]}, {"dilations": [4], "pads": [8, 8]}, {"pads": [20, 3]},
                                      {"strides": [16]}, {"strides": [20], "pads": [3, 30]}], ids=str)
def test_one_dimension(prove_net, mode, geometry):
    net = Net((2, 6, 111))
    convolution(net, net.values[0], 10, [5], relu=True, **geometry)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("kernel", "geometry"), [([16, 16], {"strides": [16, 16]}), ([3, 40], {"strides": [1, 18], "pads": [1, 19, 1, 19]}),
                                                  ([3, 39], {"pads": [1, 19, 1, 18]}), ([20, 2], {"strides": [17, 2], "pads": [0, 1, 5, 0]})], ids=str)
def test_two_dimensions(prove_net, mode, kernel, geometry):
    net = Net((1, 4, 50, 64))
    convolution(net, net.values[0], 8, kernel, **geometry)
    prove_net(net, mode)


def test_groups(prove_net):
    net = Net((1, 6, 4, 70))
    convolution(net, net.values[0], 9, [1, 20], group=3, strides=[1, 16])
    prove_net(net, "F32")


def test_a_row_that_does_not_fit_a_lane(prove_net):
    net = Net((1, 1, 1, 44100))
    convolution(net, net.values[0], 1, [1, 256], strides=[1, 2])
    prove_net(net, "F32")
