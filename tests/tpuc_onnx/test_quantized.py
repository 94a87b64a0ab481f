"""QuantizeLinear and DequantizeLinear: floats with ranges."""

import numpy as np
import pytest
from tpuc_onnx.plugin import OnnxFrontend

from tpuc_core.evaluate import evaluate
from tpuc_core.hookspecs import FrontendOptions
from tpuc_core.ir import State, calibration_of, tensor_name

SCALE = np.float32(0.5)


def pair(x, zero_point, moved=""):
    """Nodes: x quantized, turned where `moved` says so, and back, as x_d."""
    inner = [("Transpose", [f"{x}_q"], [f"{x}_t"], {"perm": [0, 1, 3, 2]})] if moved else []
    return [("QuantizeLinear", [x, "s", zero_point], [f"{x}_q"], {}), *inner,
            ("DequantizeLinear", [f"{x}_t" if moved else f"{x}_q", "s", zero_point], [f"{x}_d"], {})]


@pytest.fixture
def load(make_model, save):
    def make(nodes, outputs):
        weights = {
            "s": SCALE, "z": np.int8(3), "low": np.int8(-128), "w": np.arange(-4, 4, dtype=np.int8).reshape(2, 4, 1, 1),
            "ws": np.float32([0.5, 2]), "wz": np.int8([0, 1]),
        }
        model = make_model(nodes, {"x": (1, 4, 2, 2)}, outputs, weights)
        return OnnxFrontend().load([save(model)], FrontendOptions("net"))

    return make


def ranges(model):
    values = [op.results[0] for op in (*model.inputs, *model.ops())]
    return {tensor_name(v): calibration_of(v) for v in values}


def test_a_pair_becomes_the_range_of_what_it_reads(load):
    model = load([*pair("x", "z", "moved"), ("Abs", ["x_d"], ["y"], {})], ["y"])
    assert model.state == State.TOP_CALIBRATED
    assert ranges(model)["x"] == (-65.5, 62.0)
    x = np.arange(16, dtype=np.float32).reshape(1, 4, 2, 2) / 3
    np.testing.assert_array_equal(evaluate(model, {"x": x})["y_Abs"], x.swapaxes(2, 3))


def test_weights_are_dequantized_slice_by_slice(load):
    nodes = [("DequantizeLinear", ["w", "ws", "wz"], ["f"], {"axis": 0}), ("Conv", ["x", "f"], ["y"], {})]
    wanted = np.arange(-4, 4, dtype=np.float32).reshape(2, 4, 1, 1)
    wanted = np.stack([wanted[0] * 0.5, (wanted[1] - 1) * 2])
    np.testing.assert_array_equal(load(nodes, ["y"]).weights["f"], wanted)


@pytest.mark.parametrize(("op", "has_relu"), [("Neg", True), ("Sigmoid", False)])
def test_a_range_from_zero_clips_what_may_be_negative(op, has_relu, load):
    model = load([(op, ["x"], ["a"], {}), *pair("a", "low"), ("Exp", ["a_d"], ["y"], {})], ["y"])
    x = np.linspace(-2, 2, 16, dtype=np.float32).reshape(1, 4, 2, 2)
    tensors = evaluate(model, {"x": x})
    wanted = np.maximum(-x, 0) if has_relu else 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(tensors["y_Exp"], np.exp(wanted), rtol=1e-5)
    assert list(ranges(model).values()).count((0.0, 127.5)) >= 1


def test_integers_that_are_an_output_are_refused(load):
    with pytest.raises(Exception, match="QuantizeLinear"):
        load([("QuantizeLinear", ["x", "s", "z"], ["y"], {})], ["y"])


def test_a_model_in_float_has_no_ranges(load):
    assert load([("Relu", ["x"], ["y"], {})], ["y"]).state == State.TOP_F32
