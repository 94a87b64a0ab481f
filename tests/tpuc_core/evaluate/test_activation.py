import numpy as np
import pytest

UNARY = [("Sigmoid", "Sigmoid", {}), ("HardSigmoid", "HardSigmoid", {"alpha": 0.2, "beta": 0.5}), ("HardSwish", "HardSwish", {}),
         ("Elu", "Elu", {"alpha": 0.7}), ("Erf", "Erf", {}), ("Softplus", "Softplus", {}), ("Softsign", "Softsign", {}),
         ("LeakyRelu", "LeakyRelu", {"alpha": 0.1}), ("Abs", "Abs", {}), ("Exp", "Exp", {}), ("Floor", "Floor", {}),
         ("Ceil", "Ceil", {}), ("Tanh", "Tanh", {}), ("Sin", "Sin", {}), ("Cos", "Cos", {}), ("Tan", "Tan", {}),
         ("Sinh", "Sinh", {}), ("Cosh", "Cosh", {}), ("Sign", "Sign", {}), ("Mish", "Mish", {})]


@pytest.mark.parametrize("kind, onnx_kind, attributes", UNARY)
def test_as_onnxruntime(kind, onnx_kind, attributes, run_op, run_onnx, normal):
    x = np.concatenate([normal(1, 500) * 3, np.float32([[0, -0.0, 10, -10]])], axis=1)
    expected = run_onnx(onnx_kind, [x], opset=18, **attributes)
    np.testing.assert_allclose(run_op(kind, [x], x.shape, **attributes), expected, rtol=2e-5, atol=1e-6)


def test_relu_keeps_below_its_limit(run_op):
    x = np.float32([-1, 3, 7])
    np.testing.assert_array_equal(run_op("Relu", [x], (3,), relu_limit=6.0), [0, 3, 6])
    np.testing.assert_array_equal(run_op("Relu", [x], (3,), relu_limit=-1.0), [0, 3, 7])
    np.testing.assert_array_equal(run_op("Clip", [x], (3,), min=-0.5, max=4.0), [-0.5, 3, 4])


def test_round_goes_half_away_from_zero(run_op):
    np.testing.assert_array_equal(run_op("Round", [np.float32([-2.5, 0.5, 1.4, -0.2])], (4,)), [-3, 1, 1, 0])


def test_silu_gelu_by_their_formulas(run_op, normal):
    x = normal(1, 200) * 4
    wide = x.astype(np.float64)
    np.testing.assert_allclose(run_op("SiLU", [x], x.shape), wide / (1 + np.exp(-wide)), rtol=1e-5, atol=1e-7)
    import math

    expected = [v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in wide.ravel()]
    np.testing.assert_allclose(run_op("GELU", [x], x.shape).ravel(), expected, rtol=1e-5, atol=1e-6)


def test_prelu_has_a_slope_a_channel(run_op, run_onnx, normal):
    x, slope = normal(2, 4, 3, 3), normal(4, 1, 1)
    expected = run_onnx("PRelu", [x, slope])
    np.testing.assert_array_equal(run_op("PRelu", [x, slope], x.shape), expected)
    np.testing.assert_array_equal(run_op("PRelu", [x, slope.ravel()], x.shape), expected)


def test_cast_to_integers_drops_the_fraction(run_op):
    x = np.float32([-1.7, 2.9])
    np.testing.assert_array_equal(run_op("Cast", [x], (2,), to="INT64"), [-1, 2])
    np.testing.assert_array_equal(run_op("Cast", [x], (2,), to="FLOAT"), x)
