"""Nets whose inputs and outputs are integers: interpreter = simulator, with real and with stored values."""

import numpy as np
import pytest
from nets import Net, TestChip, samples
from tpuc_bm1684x.interpreter import Interpreter
from tpuc_bm1684x.lowering import lower
from tpuc_bm1684x.simulator.simulator import Simulator
from tpuc_int8.quantizer import plan_int8

ENDS = [{"quant_input": True}, {"quant_output": True}, {"quant_input": True, "quant_output": True}]


@pytest.fixture
def calibrated():
    net = Net((2, 8, 9, 9))
    x = net.conv(net.values[0], 16, 3, pad=1, relu=True)
    net.op("Add", [net.conv(x, 16, 3, pad=1), x], (2, 16, 9, 9))
    net.lowered("INT8")
    return net.model


@pytest.mark.parametrize("ends", ENDS, ids=str)
def test_every_tensor_is_equal(prove, compiled, calibrated, ends):
    model = lower(calibrated, plan_int8(calibrated, TestChip(), {}), **ends)
    prove(model)
    path, _ = compiled(model)
    interpreter, simulator = Interpreter(model), Simulator(path)
    for session in (interpreter, simulator):
        assert (session.inputs[0].dtype == "int8") == ends.get("quant_input", False)
        assert (session.outputs[0].dtype == "int8") == ends.get("quant_output", False)
    assert interpreter.inputs[0].scale == pytest.approx(simulator.inputs[0].scale)
    for dequantize in (True, False):
        a, b = (session.run(samples(model), dequantize=dequantize) for session in (interpreter, simulator))
        assert all(a[name].dtype == b[name].dtype and a[name].tobytes() == b[name].tobytes() for name in a) and list(a) == list(b)


def test_stored_values_pass_as_they_are(compiled, calibrated):
    model = lower(calibrated, plan_int8(calibrated, TestChip(), {}), quant_input=True, quant_output=True)
    path, _ = compiled(model)
    x = np.random.default_rng(0).integers(-128, 128, (2, 8, 9, 9), np.int8)
    a, b = (session.run({"in0": x}, dequantize=False) for session in (Interpreter(model), Simulator(path)))
    assert all(a[name].dtype == np.int8 and a[name].tobytes() == b[name].tobytes() for name in a)
