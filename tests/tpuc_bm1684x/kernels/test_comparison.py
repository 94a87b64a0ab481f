"""Comparisons, logic and choices, with operands that broadcast and with numbers."""

import pytest
from nets import Net

SHAPE = (2, 70, 3, 5)
ROW = (70, 1, 1)


@pytest.fixture
def net():
    """Two tensors of whole numbers -2..2, so that equal ones meet, one of them a number a channel."""
    net = Net(SHAPE, ROW)
    net.whole = [net.op("Clip", [net.op("Round", [x], s)], s, min=-2, max=2) for x, s in zip(net.values[:2], (SHAPE, ROW))]
    return net


@pytest.mark.parametrize("mode", ["Equal", "NotEqual", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Xor"])
def test_comparisons(prove_net, net, mode):
    x, row = net.whole
    results = [net.op("Compare", [x, row], SHAPE, mode=mode), net.op("Compare", [row, x], SHAPE, mode=mode)]
    results += [net.op("CompareConst", [x], SHAPE, mode=mode, const_val=c, inversed=bool(c)) for c in (0.0, 1.0)]
    prove_net(net, "F32", *results)


def test_not(prove_net, net):
    net.op("CompareConst", [net.whole[0]], SHAPE, mode="Not", const_val=0.0, inversed=False)
    prove_net(net, "F32")


@pytest.mark.parametrize("numbers", ["", "x", "y", "xy"])
def test_where(prove_net, net, numbers):
    x, row = net.whole
    attributes = {f"{side}_{name}": value for side in numbers for name, value in (("is_const", True), ("const_val", 7.5))}
    branches = [None if side in numbers else value for side, value in zip("xy", (net.values[0], row))]
    net.op("Where", [x, *branches], SHAPE, **attributes)
    prove_net(net, "F32")


@pytest.mark.parametrize("to", ["INT32", "BOOL", ""])
def test_casts(prove_net, net, to):
    net.op("Cast", [net.values[0]], SHAPE, to=to)
    net.op("Cast", [net.whole[0]], SHAPE, to=to)
    prove_net(net, "F32", net.values[-1], net.values[-2])
