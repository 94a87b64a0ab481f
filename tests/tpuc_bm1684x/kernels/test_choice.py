"""Gathers, places of extremes, sums from the start, triangles and powers."""

import numpy as np
import pytest
from nets import Net
from tpuc_bm1684x.lowering.gather import runs_of

MODES = ["F32", "F16", "INT8", "INT8_ASYM"]
SHAPE = (2, 6, 5, 7)


def whole_numbers(net, x, shape, most):
    """A tensor of whole numbers 0..most out of any numbers."""
    return net.op("Clip", [net.op("Round", [net.op("Abs", [x], shape)], shape)], shape, min=0.0, max=float(most))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("axis", [0, 1, 3])
def test_constant_indices(prove_net, mode, axis):
    net = Net(SHAPE)
    indices = net.weight("i", (2, 3))
    net.model.weights["i"] = np.array([[1, 0, 1], [0, 1, -1]], np.float32)
    net.op("Gather", [net.values[0], indices], (*SHAPE[:axis], 2, 3, *SHAPE[axis + 1 :]), axis=axis)
    prove_net(net, mode)


def test_many_constant_indices(prove_net):
    net = Net((3, 50))
    indices = net.weight("i", (60,))
    net.model.weights["i"] = net.rng.integers(0, 50, 60).astype(np.float32)
    net.op("Gather", [net.values[0], indices], (3, 60), axis=1)
    prove_net(net, "F32")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_computed_indices(prove_net, axis):
    net = Net((3, 4, 5), (2, 3))
    indices = net.op("AddConst", [whole_numbers(net, net.values[1], (2, 3), 2)], (2, 3), const_val=-1.0)
    net.op("Gather", [net.values[0], indices], (*(3, 4, 5)[:axis], 2, 3, *(3, 4, 5)[axis + 1 :]), axis=axis)
    prove_net(net, "F32")


def test_rows_of_a_table(prove_net):
    net = Net((1, 9))
    net.op("Gather", [net.weight("table", (4, 12)), whole_numbers(net, net.values[0], (1, 9), 3)], (1, 9, 12), axis=0)
    prove_net(net, "F32")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_elements(prove_net, axis):
    shape = [3, 4, 5]
    wanted = [2 if i == axis else n for i, n in enumerate(shape)]
    net = Net(shape, wanted)
    net.op("GatherElements", [net.values[0], whole_numbers(net, net.values[1], wanted, 2)], wanted, axis=axis)
    prove_net(net, "F32")


@pytest.mark.parametrize("mode", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("is_last", [False, True])
@pytest.mark.parametrize("axis", [1, 3])
def test_places_of_extremes(prove_net, mode, is_last, axis):
    net = Net(SHAPE)
    x = whole_numbers(net, net.values[0], SHAPE, 2)
    result = [1 if i == axis else n for i, n in enumerate(SHAPE)]
    value = net.op("Round", [x], SHAPE)
    from tpuc_core.ir import tensor_type, top

    op = top.ArgOp.make(["place", "value"], [value], [tensor_type(result)] * 2, axis=axis, keepdims=True, mode=mode, select_last_index=is_last)
    net.block.add_op(op)
    prove_net(net, "F32", *op.results)


@pytest.mark.parametrize("axis", [0, 2, 3])
def test_sums_from_the_start(prove_net, axis):
    net = Net(SHAPE)
    net.op("CumSum", [net.values[0], None], SHAPE, axis=axis)
    prove_net(net, "F32")


@pytest.mark.parametrize(("upper", "diagonal"), [(0, 1), (1, -2)])
def test_triangles(prove_net, upper, diagonal):
    net = Net(SHAPE)
    net.op("Trilu", [net.values[0]], SHAPE, upper=upper, diagonal=diagonal)
    prove_net(net, "F32")


@pytest.mark.parametrize("exponent", [1.0, 3.0, 5.0, -2.0])
def test_whole_powers_of_negative_numbers(prove_net, exponent):
    net = Net(SHAPE)
    x = net.op("AddConst", [net.op("Sign", [net.values[0]], SHAPE)], SHAPE, const_val=-0.5)
    net.op("Pow", [net.op("Mul", [x, x], SHAPE) if exponent < 0 else x], SHAPE, exponent=exponent)
    prove_net(net, "F32")


def test_powers_of_numbers_and_tensors(prove_net):
    net = Net(SHAPE, (7,))
    positive = net.op("AddConst", [net.op("Abs", [net.values[0]], SHAPE)], SHAPE, const_val=0.5)
    outputs = [net.op("Pow2", [net.values[0]], SHAPE, const_val=2.0), net.op("Pow3", [positive, net.values[1]], SHAPE)]
    outputs.append(net.op("Swish", [net.values[0]], SHAPE, beta=1.5))
    prove_net(net, "F32", *outputs)


def test_runs_of_indices():
    assert runs_of([3, 4, 5, 0, 2, 4, 4]) == [(3, 3, 1), (0, 3, 2), (4, 1, 1)]
