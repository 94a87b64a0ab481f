"""INT8 forms of single ops: the interpreter computes the documented formula exactly, and it is near the op in float."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tpuc_bm1684x.interpreter import Interpreter
from tpuc_bm1684x.lowering import lower
from tpuc_int8.quantizer import plan_float, plan_int8
from tpuc_int8.scales import asymmetric

from tests.tpuc_bm1684x.nets import unsigned
from tests.tpuc_bm1684x.reference_tpu import evaluate
from tpuc_core.ir import Model, State, load_model, quantization_of, shape_of, tensor_name, tensor_type, top
from tpuc_core.plan import Precision

RANDOM = np.random.default_rng(7)
X, SMALL = (1, 6, 8, 8), (1, 6, 1, 1)


def weights(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def model_of(op_class, inputs, result_shape, constants, ranges=None, **attributes):
    """One op `y` on inputs `x0`, `x1`, ... and constants (None: absent); calibrated where ranges by name are given."""

    def typed(name, shape):
        return tensor_type(shape, calibration=ranges[name] if ranges else None)

    model = Model.new("one", "ONNX", [tensor_type(shape) for shape in inputs])
    block = model.main.body.block
    values = []
    for i, shape in enumerate(inputs):
        op = top.InputOp.make(f"x{i}", [block.args[i]], typed(f"x{i}", shape))
        block.add_op(op)
        values.append(op.results[0])
    op = op_class.make("y", values, typed("y", result_shape), **attributes)
    block.add_op(op)
    op.operands = values + [model.none(op) if c is None else model.add_weight(f"c{i}", c, op) for i, c in enumerate(constants)]
    model.set_outputs([op.results[0]])
    model.state = State.TOP_CALIBRATED if ranges else State.TOP_F32
    return model


CONV = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1], "dilations": [1, 1]}
DECONV = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "dilations": [1, 1], "output_padding": [1, 1]}
AVERAGE = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0] * 4, "count_include_pad": True}
CASES = {
    "conv": (top.ConvOp, [X], (1, 5, 8, 8), [weights(5, 6, 3, 3), weights(5)], {**CONV}),
    "conv without bias": (top.ConvOp, [X], (1, 5, 8, 8), [weights(5, 6, 3, 3), None], {**CONV}),
    "conv with stride, dilation and relu": (top.ConvOp, [X], (1, 5, 3, 2), [weights(5, 6, 3, 3), weights(5)], {
        **CONV, "strides": [2, 3], "dilations": [2, 2], "do_relu": True}),
    "depthwise conv": (top.ConvOp, [X], X, [weights(6, 1, 3, 3), weights(6)], {**CONV, "group": 6}),
    "grouped conv": (top.ConvOp, [X], (1, 4, 8, 8), [weights(4, 3, 3, 3), weights(4)], {**CONV, "group": 2}),
    "deconv": (top.DeconvOp, [X], (1, 5, 16, 16), [weights(5, 6, 3, 3), weights(5)], DECONV),
    "scale": (top.ScaleOp, [X], X, [weights(6), weights(6)], {}),
    "matmul": (top.MatMulOp, [(3, 20)], (3, 7), [weights(20, 7), weights(7)], {}),
    "matmul of three axes with relu": (top.MatMulOp, [(2, 3, 20)], (2, 3, 7), [weights(20, 7), None], {"do_relu": True}),
    "matmul with a transposed right side": (top.MatMulOp, [(3, 20)], (3, 7), [weights(7, 20), None], {"right_transpose": True}),
    "sum": (top.AddOp, [X, X], X, [], {}),
    "sum of three with relu": (top.AddOp, [X, X, X], X, [], {"do_relu": True}),
    "sum with broadcast": (top.AddOp, [X, SMALL], X, [], {}),
    "sum with a constant": (top.AddOp, [X], X, [weights(*SMALL)], {}),
    "difference": (top.SubOp, [X, X], X, [], {}),
    "product": (top.MulOp, [X, X], X, [], {}),
    "product with broadcast": (top.MulOp, [X, SMALL], X, [], {}),
    "product with a number for each channel": (top.MulOp, [X], X, [weights(*SMALL)], {}),
    "product with a constant row": (top.MulOp, [X], X, [weights(1, 1, 1, 8)], {}),
    "max pool": (top.MaxPoolOp, [X], (1, 6, 4, 4), [], {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 0, 0]}),
    "average pool": (top.AvgPoolOp, [X], (1, 6, 4, 4), [], AVERAGE),
    "global average pool": (top.AvgPoolOp, [X], SMALL, [], {**AVERAGE, "kernel_shape": [8, 8], "strides": [1, 1]}),
    "average pool with padding": (top.AvgPoolOp, [X], X, [], {
        "kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1], "count_include_pad": True}),
    "average pool of what is no padding": (top.AvgPoolOp, [X], (1, 6, 4, 4), [], {
        "kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 0, 0], "count_include_pad": False}),
    "mean of planes": (top.ReduceOp, [X], (1, 6), [], {"mode": "ReduceMean", "axes": [2, 3], "keepdims": False}),
    "mean of the last axis": (top.ReduceOp, [(3, 4, 20)], (3, 4, 1), [], {"mode": "ReduceMean", "axes": [-1], "keepdims": True}),
    "maximum": (top.MaxOp, [X, X], X, [], {}),
    "minimum with a constant row": (top.MinOp, [X], X, [weights(1, 1, 1, 8)], {}),
    "concat with a constant": (top.ConcatOp, [X], (1, 7, 8, 8), [weights(1, 1, 8, 8)], {"axis": 1}),
    "concat": (top.ConcatOp, [X, X], (1, 12, 8, 8), [], {"axis": 1}),
    "slice": (top.SliceOp, [X], (1, 2, 8, 4), [None] * 3, {
        "offset": [0, 1, 0, 1], "ends": [1, 3, 8, 8], "steps": [1, 1, 1, 2], "axes": []}),
    "permute": (top.PermuteOp, [X], (1, 8, 8, 6), [], {"order": [0, 2, 3, 1]}),
    "upsample": (top.UpsampleOp, [X], (1, 6, 16, 24), [], {"scale_h": 2, "scale_w": 3}),
    "pad": (top.PadOp, [X], (1, 6, 10, 11), [], {"paddings": [0, 0, 1, 2, 0, 0, 1, 1], "mode": "constant"}),
    "pad with a value": (top.PadOp, [X], (1, 6, 9, 8), [], {"paddings": [0, 0, 1, 0, 0, 0, 0, 0], "mode": "constant", "val": 0.7}),
    "sigmoid": (top.SigmoidOp, [X], X, [], {}),
    "hard swish": (top.HardSwishOp, [X], X, [], {}),
    "leaky relu": (top.LeakyReluOp, [X], X, [], {"alpha": 0.1}),
    "prelu": (top.PReluOp, [X], X, [weights(*SMALL)], {}),
    "prelu with one slope": (top.PReluOp, [X], X, [weights(1) / 4], {}),
    "relu with a limit": (top.ReluOp, [X], X, [], {"relu_limit": 1.0}),
    "clip": (top.ClipOp, [X], X, [], {"min": -0.5, "max": 0.7}),
    "constant minus": (top.SubConstOp, [X], X, [], {"const_val": 1.0, "is_reverse": True}),
    "times constant": (top.MulConstOp, [X], X, [], {"const_val": -3.0, "do_relu": True}),
}


@pytest.fixture(params=itertools.product(CASES, ["symmetric", "asymmetric", "unsigned"]), ids=" ".join)
def case(request, chip):
    """The op in INT8 lowered, input data, and the float result."""
    name, symmetry = request.param
    op_class, inputs, result_shape, constants, attributes = CASES[name]
    is_asymmetric = symmetry != "symmetric"
    data = {f"x{i}": np.random.default_rng(i).standard_normal(shape).astype(np.float32) for i, shape in enumerate(inputs)}
    if is_asymmetric:
        data = {name: x + np.float32(i - 0.6) for i, (name, x) in enumerate(data.items())}
    float_model = model_of(op_class, inputs, result_shape, constants, **attributes)
    real = evaluate(lower(float_model, plan_float(float_model, chip, {})), data)["y"]
    ranges = {name: range_of(x, is_asymmetric) for name, x in {**data, "y": real}.items()}
    model = model_of(op_class, inputs, result_shape, constants, ranges, **attributes)
    plan = plan_int8(model, chip, {}, is_asymmetric=is_asymmetric)
    if symmetry == "unsigned":
        plan = unsigned(plan)
    assert plan.ops["y"].precision is Precision.INT8, plan.ops["y"].reason
    return lower(model, plan), data, real


def range_of(x, is_asymmetric):
    if is_asymmetric:
        return float(x.min()), float(x.max())
    largest = float(np.abs(x).max())
    return (0.0 if x.min() >= 0 else -largest), largest


def test_the_interpreter_computes_the_documented_integers(case):
    model, data, _ = case
    expected = evaluate(model, data)
    for name, given in Interpreter(model).run(data, all_tensors=True, dequantize=False).items():
        assert given.dtype == expected[name].dtype and np.array_equal(given, expected[name]), name


def test_the_result_is_near_the_float_one(case):
    model, data, real = case
    given = evaluate(model, data)["y_f32"]
    step = quantization_of(model.outputs[0].owner.operands[0]).scale
    input_step = max(np.abs(x).max() for x in data.values()) / 127
    assert np.abs(given - real).max() <= 3 * step + input_step
    assert np.abs(given - real).mean() <= step + input_step / 2


@pytest.mark.parametrize("symmetry", ["sym", "asym"])
@pytest.mark.parametrize("name", ["cnn", "det"])
def test_the_interpreter_computes_whole_networks_by_the_documented_formulas(name, symmetry, lowered_int8):
    model = lowered_int8(name, symmetry=symmetry)[0]
    data = {tensor_name(op.results[0]): RANDOM.standard_normal(shape_of(op.results[0])).astype(np.float32) for op in model.inputs}
    expected = evaluate(model, data)
    for tensor, given in Interpreter(model).run(data, all_tensors=True, dequantize=False).items():
        if given.dtype == np.float32:
            np.testing.assert_allclose(given, expected[tensor], rtol=1e-5, atol=1e-6)
        else:
            assert np.array_equal(given, expected[tensor]), tensor


@pytest.mark.parametrize("name", ["cnn", "det"])
def test_the_interpreter_is_near_plain_arithmetic_in_f32(name, lowered_f32, data):
    model = load_model(data / f"{name}_f32_1lowered.mlir")
    values = {tensor_name(op.results[0]): RANDOM.standard_normal(shape_of(op.results[0])).astype(np.float32) for op in model.inputs}
    expected = evaluate(model, values)
    for tensor, given in Interpreter(model).run(values, all_tensors=True).items():
        np.testing.assert_allclose(given, expected[tensor], rtol=1e-4, atol=1e-5, err_msg=tensor)


@pytest.mark.parametrize("is_asymmetric", [True, False])
@pytest.mark.parametrize("largest", [0.0, 1e-6])
@pytest.mark.parametrize("kind", ["conv", "conv of one dimension", "deconv", "scale", "matmul"])
def test_a_bias_survives_an_input_that_is_all_but_zero(chip, kind, largest, is_asymmetric):
    op_class, inputs, shape, constants, attributes = CASES[kind] if kind in CASES else (
        top.ConvOp, [(1, 6, 8)], (1, 5, 8), [weights(5, 6, 3), weights(5)], {"kernel_shape": [3], "strides": [1], "pads": [1, 1], "dilations": [1]})
    bias = constants[1]
    most = float(np.abs(bias).max())
    model = model_of(op_class, inputs, shape, constants, {"x0": (-largest, largest), "y": (-most, most)}, **attributes)
    lowered = lower(model, plan_int8(model, chip, {}, is_asymmetric=is_asymmetric))
    given = Interpreter(lowered).run({"x0": np.full(inputs[0], largest, np.float32)})["y_f32"]
    wanted = bias if kind == "matmul" else bias.reshape(-1, *(1,) * (len(shape) - 2))
    np.testing.assert_allclose(given, np.broadcast_to(wanted, shape), atol=most / 100)


@pytest.mark.parametrize("is_signed", [True, False])
@pytest.mark.parametrize("low", [0.0, -3.0])
@pytest.mark.parametrize("kind", ["conv", "deconv", "scale", "matmul", "sum", "product", "max pool", "upsample", "concat"])
def test_the_limit_of_a_relu_holds_where_the_range_goes_beyond_it(chip, kind, low, is_signed):
    op_class, inputs, shape, constants, attributes = CASES[kind]
    ranges = {f"x{i}": (-4.0, 4.0) for i in range(len(inputs))} | {"y": (low, 8.0)}
    model = model_of(op_class, inputs, shape, constants, ranges, **attributes, do_relu=True, relu_limit=1.0)
    plan = plan_int8(model, chip, {}, is_asymmetric=low < 0)
    plan.tensors["y"] = asymmetric(low, 8.0)
    plan = plan if is_signed else unsigned(plan)
    given = Interpreter(lower(model, plan)).run({name: RANDOM.standard_normal(x).astype(np.float32) for name, x in zip(ranges, inputs)})["y_f32"]
    assert (given.min() == 0 or kind == "max pool") and abs(given.max() - 1) <= plan.tensors["y"].scale / 2
