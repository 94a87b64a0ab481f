"""Pre-quantized files: integers of the float evaluation are LiteRT's, those of the chip at most a step away, op by op."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from flatfiles import N, T, const
from tpuc_bm1684x.chip import Bm1684x
from tpuc_bm1684x.interpreter import Interpreter
from tpuc_int8.quantizer import plan_float, plan_int8
from tpuc_tflite.frontend import load, reference

from tpuc_core.evaluate import evaluate
from tpuc_core.ir import State, quantization_of, shape_of, tensor_name
from tpuc_core.plan import Precision

ZOO = Path(os.environ.get("TPUC_ZOO", Path.home() / ".cache" / "tpuc-zoo")) / "models"
RNG = np.random.default_rng(3)
ZERO = {"int8": -5, "uint8": 120}
CONV = {"Padding": 0, "StrideH": 1, "StrideW": 1}


def quantized(shape, dtype, scale=0.05, zero_point=None):
    return T(shape, dtype, scale=scale, zero_point=ZERO[dtype] if zero_point is None else zero_point)


def integers(shape, dtype, scale, zero_point=0, axis=0):
    info = np.iinfo(dtype)
    return const(
        RNG.integers(info.min + 1, info.max + 1, shape).astype(dtype), scale=scale, zero_point=zero_point, axis=axis
    )


def bias(count, scale):
    return const(RNG.integers(-2000, 2000, count).astype(np.int32), scale=scale, zero_point=0)


def inputs_of(model):
    values = {}
    for op in model.inputs:
        value, q = op.results[0], quantization_of(op.results[0])
        low, high = q.real_limits
        values[tensor_name(value)] = RNG.uniform(low, high, shape_of(value)).astype(np.float32)
    return values


def steps_apart(path, options, exact=True):
    """How many steps the chip's interpreter is from LiteRT at most, each op on LiteRT's own integers; by tensor name."""
    model = load(path, options)
    assert model.state is State.TOP_QUANTIZED
    inputs = inputs_of(model)
    real = reference(path, options).run(inputs, all_tensors=True)
    wanted = reference(path, options).run(inputs, all_tensors=True, dequantize=False)
    if exact:
        for name, array in evaluate(model, inputs).items():
            if name in real:
                np.testing.assert_array_equal(array, real[name], err_msg=name)
    chip = Bm1684x()
    interpreter = Interpreter(chip.lower(model, plan_int8(model, chip, {})))
    return walk(interpreter, inputs, wanted)


def walk(interpreter, inputs, wanted):
    """Runs the interpreter op by op; what LiteRT computed too is compared, and put in the place of the result."""
    interpreter.run(inputs)  # as a whole it runs
    tensors, found = dict(interpreter.constants), {}
    for value in (op.results[0] for op in interpreter.model.inputs):
        tensors[tensor_name(value)] = inputs[tensor_name(value)]
    for step, value in zip(interpreter.steps, interpreter.values[len(interpreter.inputs) :], strict=True):
        step(tensors)
        name = tensor_name(value)
        if name in wanted and tensors[name].dtype == wanted[name].dtype:
            array = wanted[name].reshape(tensors[name].shape)
            if array.dtype.kind in "iu":
                found[name] = int(np.abs(tensors[name].astype(int) - array.astype(int)).max())
                tensors[name] = np.ascontiguousarray(array)
    return found


@pytest.mark.parametrize("activation", [0, 1, 3])
@pytest.mark.parametrize(
    ("dtype", "weights"),
    [
        ("int8", {"scale": [0.01, 0.02, 0.005, 0.03]}),
        ("int8", {"scale": 0.01}),
        ("uint8", {"scale": 0.01, "zero_point": 117}),
    ],
)
def test_conv_2d(write, options, dtype, weights, activation):
    products = np.asarray(weights["scale"], np.float32) * np.float32(0.05)
    tensors = {
        "x": quantized((1, 7, 6, 3), dtype),
        "w": integers((4, 3, 3, 3), dtype, **weights),
        "b": bias(4, products),
        "y": quantized((1, 7, 6, 4), dtype, 0.07, 3 if dtype == "int8" else 100),
    }
    path = write(
        tensors,
        [N("CONV_2D", ["x", "w", "b"], ["y"], "Conv2DOptions", CONV | {"FusedActivationFunction": activation})],
        ["x"],
        ["y"],
    )
    assert steps_apart(path, options)["y"] <= 1


@pytest.mark.parametrize(
    ("dtype", "weights"),
    [("int8", {"scale": [0.01, 0.02, 0.005], "axis": 3}), ("uint8", {"scale": 0.01, "zero_point": 90})],
)
def test_depthwise_conv_2d(write, options, dtype, weights):
    products = np.asarray(weights["scale"], np.float32) * np.float32(0.05)
    tensors = {
        "x": quantized((1, 7, 6, 3), dtype),
        "w": integers((1, 3, 3, 3), dtype, **weights),
        "b": bias(3, products),
        "y": quantized((1, 4, 3, 3), dtype, 0.06),
    }
    fields = CONV | {"StrideH": 2, "StrideW": 2, "DepthMultiplier": 1}
    path = write(
        tensors, [N("DEPTHWISE_CONV_2D", ["x", "w", "b"], ["y"], "DepthwiseConv2DOptions", fields)], ["x"], ["y"]
    )
    assert steps_apart(path, options)["y"] <= 1


@pytest.mark.parametrize(("dtype", "zero_point"), [("int8", 0), ("uint8", 131)])
def test_fully_connected_after_a_flattened_map(write, options, dtype, zero_point):
    tensors = {
        "x": quantized((2, 2, 3, 4), dtype),
        "s": const([2, 24]),
        "f": quantized((2, 24), dtype),
        "w": integers((5, 24), dtype, 0.02, zero_point),
        "b": bias(5, 0.001),
        "y": quantized((2, 5), dtype, 0.1),
    }
    nodes = [N("RESHAPE", ["x", "s"], ["f"]), N("FULLY_CONNECTED", ["f", "w", "b"], ["y"], "FullyConnectedOptions")]
    assert steps_apart(write(tensors, nodes, ["x"], ["y"]), options)["y"] <= 1


@pytest.mark.parametrize("op", ["ADD", "SUB", "MUL"])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_sums_and_products(write, options, op, dtype):
    tensors = {
        "x": quantized((1, 3, 4, 5), dtype),
        "z": quantized((1, 3, 4, 5), dtype, 0.03, 9),
        "y": quantized((1, 3, 4, 5), dtype, 0.09, 21),
    }
    path = write(
        tensors,
        [N(op, ["x", "z"], ["y"], f"{op.capitalize()}Options", {"FusedActivationFunction": 1})],
        ["x", "z"],
        ["y"],
    )
    assert steps_apart(path, options)["y"] <= 1


@pytest.mark.parametrize("op", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_pools(write, options, op):
    fields = {"Padding": 1, "StrideH": 2, "StrideW": 2, "FilterHeight": 2, "FilterWidth": 2}
    tensors = {"x": quantized((1, 6, 6, 3), "int8"), "y": quantized((1, 3, 3, 3), "int8")}
    assert steps_apart(write(tensors, [N(op, ["x"], ["y"], "Pool2DOptions", fields)], ["x"], ["y"]), options)["y"] <= 1


def test_the_mean_of_a_map(write, options):
    tensors = {"x": quantized((1, 7, 7, 5), "int8"), "a": const([1, 2]), "y": quantized((1, 5), "int8", 0.01)}
    path = write(tensors, [N("MEAN", ["x", "a"], ["y"], "ReducerOptions", {"KeepDims": False})], ["x"], ["y"])
    assert steps_apart(path, options)["y"] <= 1


def test_requantization_concatenation_and_functions(write, options):
    tensors = {
        "x": quantized((1, 4, 4, 3), "uint8"),
        "q": quantized((1, 4, 4, 3), "int8", 0.04, 11),
        "s": quantized((1, 4, 4, 3), "int8", 1 / 256, -128),
        "c": quantized((1, 4, 4, 6), "int8", 0.04, 11),
        "y": T((1, 4, 4, 6)),
    }
    nodes = [
        N("QUANTIZE", ["x"], ["q"]),
        N("CONCATENATION", ["q", "q"], ["c"], "ConcatenationOptions", {"Axis": 3}),
        N("LOGISTIC", ["q"], ["s"]),
        N("DEQUANTIZE", ["c"], ["y"]),
    ]
    apart = steps_apart(write(tensors, nodes, ["x"], ["y", "s"]), options, exact=False)
    assert apart.keys() >= {"q", "c", "s"} and max(apart.values()) <= 1


def test_other_modes_compute_with_the_real_weights(write, options):
    tensors = {
        "x": quantized((1, 5, 5, 3), "uint8"),
        "w": integers((4, 3, 3, 3), "uint8", 0.01, 117),
        "b": bias(4, 0.0005),
        "y": quantized((1, 5, 5, 4), "uint8", 0.8, 128),
    }
    path = write(tensors, [N("CONV_2D", ["x", "w", "b"], ["y"], "Conv2DOptions", CONV)], ["x"], ["y"])
    model, chip = load(path, options), Bm1684x()
    inputs = inputs_of(model)
    plan = plan_float(model, chip, {})
    assert {op.precision for op in plan.ops.values()} == {Precision.F32}
    found = Interpreter(chip.lower(model, plan)).run(inputs)["y"]
    assert np.abs(found - reference(path, options).run(inputs)["y"]).max() <= 0.8


def test_no_calibration_is_asked_for_and_none_taken(write, options):
    path = write(
        {"x": quantized((1, 2), "int8"), "y": quantized((1, 2), "int8")}, [N("RELU", ["x"], ["y"])], ["x"], ["y"]
    )
    plan = plan_int8(load(path, options), Bm1684x(), {})
    assert (
        plan.is_asymmetric
        and plan.tensors["x"].zero_point == ZERO["int8"]
        and plan.tensors["x"].scale == np.float32(0.05)
    )


def test_pixels_go_into_a_quantized_input_as_they_are(write, options):
    tensors = {"x": quantized((1, 4, 4, 3), "int8", 0.5, -3), "y": quantized((1, 4, 4, 3), "int8", 0.5, -3)}
    model = load(write(tensors, [N("RELU", ["x"], ["y"])], ["x"], ["y"]), options)
    assert model.inputs[0].get("mean") == [125.0] * 3 and model.inputs[0].get("scale") == [0.5] * 3


@pytest.mark.zoo
@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet8_cifar10_int8", "vww_96_int8", "mobilenet_v1_05_160_quant_uint8"])
def test_every_op_of_a_zoo_model(options, name):
    if not (path := ZOO / f"{name}.tflite").exists():
        pytest.skip(f"{path} is not there: run `make zoo`")
    apart = steps_apart(path, options)
    assert len(apart) >= 14 and max(apart.values()) <= 1, apart


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_both_roundings_of_a_convolution_are_litert_s_where_16_bits_hold_the_first(write, options, dtype):
    """A factor of 0.1 leaves three bits between the roundings: every 16th integer would be another one if it were rounded once."""
    weights = {"scale": 0.01, "zero_point": 0 if dtype == "int8" else 117}
    tensors = {
        "x": quantized((1, 40, 40, 1), dtype),
        "w": integers((4, 1, 1, 1), dtype, **weights),
        "b": bias(4, 0.0005),
        "y": quantized((1, 40, 40, 4), dtype, 0.005, 3 if dtype == "int8" else 100),
    }
    path = write(tensors, [N("CONV_2D", ["x", "w", "b"], ["y"], "Conv2DOptions", CONV)], ["x"], ["y"])
    assert steps_apart(path, options)["y"] == 0
