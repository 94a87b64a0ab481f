"""Element-wise ops on shapes beyond the chip's four axes."""

import pytest
from nets import Net
from tpuc_bm1684x.lowering.views import four_axes

MODES = ["F32", "F16", "INT8", "INT8_ASYM"]


@pytest.mark.parametrize("mode", MODES)
def test_broadcast_along_the_last_axis_of_five(prove_net, mode):
    net = Net((2, 3, 4, 5, 6), (2, 3, 4, 5, 1))
    net.op("Add", net.values[:2], (2, 3, 4, 5, 6), do_relu=True)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
def test_broadcast_along_every_other_axis_of_six(prove_net, mode):
    net = Net((2, 3, 2, 3, 2, 3), (1, 3, 1, 3, 1, 3))
    net.op("Mul", net.values[:2], (2, 3, 2, 3, 2, 3))
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(1, 70000), (70000, 3), (2, 66000, 1, 2)], ids=str)
def test_axes_that_no_field_holds(prove_net, mode, shape):
    net = Net(shape)
    net.op("Mul", [net.op("Relu", [net.values[0]], shape), net.op("Sigmoid", [net.values[0]], shape)], shape)
    prove_net(net, mode)


def test_constants(prove_net):
    net = Net((2, 3, 4, 5, 6))
    net.op("Sub", [net.values[0], net.weight("c", (3, 1, 5, 1))], (2, 3, 4, 5, 6))
    prove_net(net, "F32")


@pytest.mark.parametrize("sizes", [[], [1], [70000], [3, 70000], [70000, 3], [2, 3, 4], [2, 3, 4, 5]], ids=str)
def test_axes_are_parts_of_the_given_ones(sizes):
    view, owners = four_axes(sizes)
    for index, size in enumerate(sizes):
        product = 1
        for n, owner in zip(view, owners):
            product *= n if owner == index else 1
        assert product == size and max(view) <= 65535


@pytest.mark.parametrize("sizes", [[70001], [2, 3, 4, 5, 6], [70000, 2, 3]], ids=str)
def test_what_has_no_four_axes(sizes):
    assert four_axes(sizes) is None
