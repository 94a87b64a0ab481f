"""What the rounding of weights adds on average is taken back by the bias, where the mean inputs are known."""

from __future__ import annotations

import numpy as np
import pytest
from tpuc_bm1684x.lowering import lower
from tpuc_bm1684x.lowering.stored_constants import stored_constants
from tpuc_int8.quantizer import plan_float, plan_int8

from tests.tpuc_bm1684x.lowering.test_int8_ops import CASES, model_of
from tpuc_core.evaluate import Evaluator
from tpuc_core.ir import filter_input_axis, filter_inputs, is_weight, set_input_means, storage_of, top

GEOMETRY = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [0] * 4, "dilations": [1, 1]}


def weights(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


X = (1, 6, 5, 5)
NETS = {
    "conv": (top.ConvOp, X, (1, 5, 3, 3), [weights(5, 6, 3, 3), weights(5)], GEOMETRY),
    "conv without bias": (top.ConvOp, X, (1, 5, 3, 3), [weights(5, 6, 3, 3), None], GEOMETRY),
    "grouped": (top.ConvOp, X, (1, 4, 3, 3), [weights(4, 3, 3, 3), weights(4)], {**GEOMETRY, "group": 2}),
    "depthwise": (top.ConvOp, X, (1, 6, 3, 3), [weights(6, 1, 3, 3), weights(6)], {**GEOMETRY, "group": 6}),
    "depthwise with two results a channel": (top.ConvOp, X, (1, 12, 3, 3), [weights(12, 1, 3, 3), None], {**GEOMETRY, "group": 6}),
    "one dimension": (top.ConvOp, (1, 6, 9), (1, 5, 7), [weights(5, 6, 3), weights(5)], {
        **GEOMETRY, "kernel_shape": [3], "strides": [1], "pads": [0, 0], "dilations": [1]}),
    "strides above the chip's": (top.ConvOp, (1, 6, 40, 40), (1, 5, 2, 2), [weights(5, 6, 3, 3), weights(5)], {**GEOMETRY, "strides": [20, 20]}),
    "padded": (top.ConvOp, X, (1, 5, 5, 5), [weights(5, 6, 3, 3), weights(5)], {**GEOMETRY, "pads": [1, 1, 1, 1]}),
    "mostly padding": (top.ConvOp, (1, 6, 1, 1), (1, 6, 1, 1), [weights(6, 1, 3, 3), None], {**GEOMETRY, "pads": [1, 1, 1, 1], "group": 6}),
    "padded unevenly, with strides and dilation": (top.ConvOp, (1, 6, 9, 7), (1, 5, 4, 8), [weights(5, 6, 3, 2), weights(5)], {
        **GEOMETRY, "kernel_shape": [3, 2], "strides": [2, 1], "dilations": [2, 3], "pads": [2, 0, 1, 4]}),
    "a padded line": (top.ConvOp, (1, 6, 9), (1, 5, 9), [weights(5, 6, 3, 1), None], {
        **GEOMETRY, "kernel_shape": [3], "strides": [1], "pads": [2, 0], "dilations": [1]}),
    "matrix": (top.MatMulOp, (3, 20), (3, 7), [weights(20, 7), weights(7)], {}),
    "matrix without bias": (top.MatMulOp, (3, 20), (3, 7), [weights(20, 7), None], {}),
    "transposed matrix": (top.MatMulOp, (2, 3, 20), (2, 3, 7), [weights(7, 20), weights(7)], {"right_transpose": True}),
}


def built(name):
    kind, shape, result, constants, attributes = NETS[name]
    model = model_of(kind, [shape], result, constants, {"x0": (-40.0, 40.0), "y": (-300.0, 300.0)}, **attributes)
    return model, model.ops()[0]


def constant_input(op, shape):
    """Every channel has one value everywhere, and its means are these."""
    axis = filter_input_axis(op)
    means = np.random.default_rng(1).uniform(-30, 40, shape[axis])
    return means, np.broadcast_to(np.moveaxis(means.reshape(-1, *(1,) * (len(shape) - 1)), 0, axis), shape).astype(np.float32)


@pytest.mark.parametrize("name", NETS)
def test_an_input_of_the_mean_gives_on_average_the_result_of_the_float_weights(name):
    model, op = built(name)
    means, x = constant_input(op, NETS[name][1])
    evaluator = Evaluator(model)
    wanted = evaluator.run({"x0": x})
    rounded = evaluator.compute("y", wanted, stored_constants(model, op))
    set_input_means(model, op, means)
    constants = stored_constants(model, op)
    corrected = evaluator.compute("y", wanted, constants)
    assert sorted(constants) == [1, 2]
    places = tuple(range(2, wanted["y"].ndim)) if op.name == "top.Conv" else (0,)
    assert np.abs((rounded - wanted["y"]).mean(axis=places)).max() > 0.02
    np.testing.assert_allclose((corrected - wanted["y"]).mean(axis=places), 0, atol=1e-3)


@pytest.mark.parametrize("name", NETS)
def test_the_lowered_bias_is_that_one(name, chip):
    model, op = built(name)
    set_input_means(model, op, constant_input(op, NETS[name][1])[0])
    plan = plan_int8(model, chip, {})
    lowered = lower(model, plan)
    bias = next(lowered.weight(v) for each in lowered.ops() for v in each.operands if is_weight(v) and storage_of(v) == "i32").reshape(-1)
    constants = stored_constants(model, op)
    rows = constants[1] if op.name == "top.Conv" or op.get("right_transpose") else constants[1].T
    steps = np.abs(rows.reshape(len(rows), -1)).max(axis=1) / 127 * plan.tensors["x0"].scale
    np.testing.assert_allclose(bias * steps, constants[2], atol=0.51 * steps.max())


def test_weights_on_a_grid_are_not_rounded_and_their_bias_stays():
    kind, shape, result, _, attributes = NETS["conv"]
    grid = np.random.default_rng(2).integers(-127, 128, (5, 6, 3, 3)).astype(np.float32)
    grid[:, 0, 0, 0] = 127
    model = model_of(kind, [shape], result, [grid, None], {"x0": (-40.0, 40.0), "y": (-300.0, 300.0)}, **attributes)
    op = model.ops()[0]
    set_input_means(model, op, np.full(6, 10.0))
    assert sorted(stored_constants(model, op)) == [1]


def test_floats_do_not_ask_for_means(chip):
    model, op = built("conv")
    plain = lower(model, plan_float(model, chip, {}))
    set_input_means(model, op, np.full(6, 10.0))
    again = lower(model, plan_float(model, chip, {}))
    assert {name: array.tobytes() for name, array in plain.weights.items()} == {
        name: array.tobytes() for name, array in again.weights.items() if name in plain.weights}


def test_which_ops_have_channels():
    for name, (kind, inputs, result, constants, attributes) in CASES.items():
        op = model_of(kind, inputs, result, constants, **attributes).ops()[0]
        wanted = {"top.Conv": 6, "top.MatMul": 20}.get(op.name, 0)
        assert filter_inputs(op) == wanted, name
