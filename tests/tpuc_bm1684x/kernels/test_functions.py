"""Functions of one value: close to float evaluation wherever they mean something, and the same bytes when compiled."""

import numpy as np
import pytest
from nets import Net
from tpuc_bm1684x.interpreter import Interpreter

from tpuc_core.evaluate.session import FloatSession

KINDS = {
    "Arctanh": (-0.99, 0.99), "Ceil": (-9, 9), "Cos": (-30, 30), "Cosh": (-20, 20), "Erf": (-8, 8), "Floor": (-9, 9), "GELU": (-9, 9),
    "Log": (1e-6, 1e6), "Mish": (-30, 60), "Round": (-9, 9), "Sign": (-1, 1), "Sin": (-30, 30), "Sinh": (-20, 20),
    "Softplus": (-60, 60), "Softsign": (-99, 99), "Tan": (-1.5, 1.5),
}
SHAPE = (2, 70, 3, 5)


@pytest.mark.parametrize("kind", KINDS)
def test_accuracy(kind):
    net = Net((1, 64, 32, 32))
    net.op(kind, [net.values[0]], (1, 64, 32, 32))
    low, high = KINDS[kind]
    x = np.linspace(low, high, 1 << 16, dtype=np.float32).reshape(1, 64, 32, 32)
    model = net.lowered("F32")
    wanted = next(iter(FloatSession(net.model).run({"in0": x}).values()))
    found = next(iter(Interpreter(model).run({"in0": x}).values()))
    np.testing.assert_allclose(found, wanted, rtol=4e-6, atol=4e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_compiled(prove, kind):
    net = Net(SHAPE)
    net.op(kind, [net.op("Softsign", [net.values[0]], SHAPE)], SHAPE)
    prove(net.lowered("F32"))


def test_sigmoid_with_a_logarithm(prove_net):
    net = Net(SHAPE)
    net.op("Sigmoid", [net.values[0]], SHAPE, log=True)
    prove_net(net, "F32")


@pytest.mark.parametrize("exponent", [2.0, 0.5, -0.5, 1.7, -1.0, 3.0])
def test_powers(prove_net, exponent):
    net = Net(SHAPE)
    positive = net.op("AddConst", [net.op("Abs", [net.values[0]], SHAPE)], SHAPE, const_val=0.1)
    net.op("Pow", [positive], SHAPE, exponent=exponent)
    prove_net(net, "F32")
