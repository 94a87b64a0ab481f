"""Products of two activations, with batches, transposed operands and sizes that do not divide evenly."""

import numpy as np
import pytest
from nets import Net
from tpuc_bm1684x.interpreter import Interpreter
from tpuc_bm1684x.kernels import batch_matmul

MODES = ["F32", "INT8", "INT8_ASYM", "UINT8"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("left", "right"), [((1, 4, 40, 15), (1, 4, 15, 40)), ((7, 97), (97, 131)), ((3, 5, 64), (64, 70)),
                                             ((2, 1, 6, 8), (3, 8, 5))], ids=str)
def test_two_activations(prove_net, mode, left, right):
    net = Net(left, right)
    shape = (*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1])
    net.op("MatMul", [*net.values[:2], None], shape, do_relu=len(left) == 2)
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("side", ["left", "right"])
def test_transposed_operands(prove_net, mode, side):
    shapes = {"left": (2, 6, 10), "right": (2, 10, 7)}
    given = {k: (s[0], s[2], s[1]) if k == side else s for k, s in shapes.items()}
    net = Net(*given.values())
    net.op("MatMul", [*net.values[:2], None], (2, 6, 7), **{f"{side}_transpose": True})
    prove_net(net, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("side", [0, 1])
def test_constants_of_three_axes_and_on_the_left(prove_net, mode, side):
    shapes = [(2, 6, 10), (2, 10, 7)]
    net = Net(shapes[1 - side])
    operands = [net.values[0], net.weight("w", shapes[side])]
    net.op("MatMul", [*(operands if side else reversed(operands)), None], (2, 6, 7))
    prove_net(net, mode)


def test_a_bias(prove_net):
    net = Net((2, 6, 10), (2, 10, 7))
    net.op("MatMul", [*net.values[:2], net.weight("b", (7,))], (2, 6, 7), do_relu=True)
    prove_net(net, "F32")


@pytest.mark.parametrize("mode", MODES)
def test_tiles(prove_net, monkeypatch, mode):
    monkeypatch.setattr(batch_matmul, "MOST_INNER", 16)
    monkeypatch.setattr(batch_matmul, "MOST_ROWS", 4)
    net = Net((2, 9, 40), (2, 40, 1100))
    net.op("MatMul", [*net.values[:2], None], (2, 9, 1100))
    prove_net(net, mode)


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize(("rows", "inner", "columns"), [(40, 30, 70), (200, 600, 20), (1, 30, 70)])
def test_a_constant_matrix_with_many_rows_or_few(prove_net, rows, inner, columns, has_bias):
    net = Net((rows, inner))
    bias = net.weight("b", (columns,)) if has_bias else None
    net.op("MatMul", [net.values[0], net.weight("w", (inner, columns), 0.1), bias], (rows, columns), do_relu=True)
    prove_net(net, "F32")


@pytest.mark.parametrize("mode", ["INT8", "INT8_ASYM"])
def test_8_bits_are_near_to_floats(mode):
    net = Net((3, 5, 6), (3, 6, 7))
    net.op("MatMul", [*net.values[:2], None], (3, 5, 7))
    model = net.lowered(mode)
    rng = np.random.default_rng(3)
    inputs = {"in0": rng.uniform(-1, 1, (3, 5, 6)).astype(np.float32), "in1": rng.uniform(-1, 1, (3, 6, 7)).astype(np.float32)}
    found = next(iter(Interpreter(model).run(inputs).values()))
    steps = 8 / 255 * (0.5 + 6 * 2 * 0.5)  # half a step of the result, and of each factor up to 1
    np.testing.assert_allclose(found, inputs["in0"] @ inputs["in1"], atol=steps)
    assert np.abs(found).max() > 0.5
