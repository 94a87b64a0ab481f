"""Ops that become several: the lowered chain computes what the op means."""

from __future__ import annotations

import numpy as np
import pytest
from tpuc_bm1684x.lowering import lower
from tpuc_int8.quantizer import plan_float

from tests.tpuc_bm1684x.reference_tpu import evaluate
from tpuc_core.evaluate.resize import interpolate
from tpuc_core.ir import Model, shape_of, tensor_name, tensor_type, top


@pytest.fixture
def computed(chip):
    """The result of one op on random data, lowered in F32 and evaluated; and the data."""

    def run(op_class, shape, result_shape, *constants, positive=False, **attributes):
        model = Model.new("one", "ONNX", [tensor_type(shape)])
        block = model.main.body.block
        x = top.InputOp.make("x", [block.args[0]], tensor_type(shape))
        block.add_op(x)
        op = op_class.make("y", [x.results[0]], tensor_type(result_shape), **attributes)
        block.add_op(op)
        weights = [model.none(op) if c is None else model.add_weight(f"c{i}", c, op) for i, c in enumerate(constants)]
        op.operands = [x.results[0], *weights]
        model.set_outputs([op.results[0]])
        lowered = lower(model, plan_float(model, chip, {}))
        lowered.module.verify()
        data = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        data = np.abs(data) + 0.1 if positive else data
        assert [tensor_name(v) for v in lowered.outputs] == ["y"] and shape_of(lowered.outputs[0]) == result_shape
        return evaluate(lowered, {"x": data})["y"], data

    return run


REDUCTIONS = {
    "ReduceMean": np.mean, "ReduceSum": np.sum, "ReduceMax": np.max, "ReduceMin": np.min,
    "ReduceL1": lambda x, axis: np.abs(x).sum(axis), "ReduceL2": lambda x, axis: np.sqrt(np.square(x).sum(axis)),
}


@pytest.mark.parametrize("mode", REDUCTIONS)
@pytest.mark.parametrize("axes", [(1,), (2, 3), (1, 2), (3,), (0, 1, 2, 3)])
def test_reduce(computed, mode, axes):
    shape = (2, 3, 4, 5)
    result_shape = tuple(n for i, n in enumerate(shape) if i not in axes) or (1,)
    y, x = computed(top.ReduceOp, shape, result_shape, axes=list(axes), keepdims=False, mode=mode)
    np.testing.assert_allclose(y, REDUCTIONS[mode](x, axis=axes).reshape(result_shape), rtol=1e-5, atol=1e-5)


class Bound:
    """An op's attributes and result shape, as evaluation sees them."""

    def __init__(self, shape, **attributes):
        self.shape, self.attributes = shape, attributes

    def get(self, name, default=None):
        return self.attributes.get(name, default)


@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize("coordinates", ["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"])
@pytest.mark.parametrize("size", [(7, 9), (4, 10), (2, 3)])
def test_interp(computed, mode, coordinates, size):
    shape, result_shape = (2, 3, 4, 5), (2, 3, *size)
    attributes = {"mode": mode, "coord_mode": coordinates, "scale_h": size[0] / 4, "scale_w": size[1] / 5}
    y, x = computed(top.InterpOp, shape, result_shape, None, **attributes)
    np.testing.assert_allclose(y, interpolate(Bound(result_shape, **attributes), x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_gather_with_constant_indices(computed, axis):
    indices = np.array([2, 0, 1, 2], np.float32)
    result_shape = tuple(4 if i == axis else n for i, n in enumerate((2, 3, 4, 5)))
    y, x = computed(top.GatherOp, (2, 3, 4, 5), result_shape, indices, axis=axis)
    assert np.array_equal(y, x.take(indices.astype(int), axis))


@pytest.mark.parametrize("rank", [2, 3, 4])
def test_products_of_any_rank_are_flat_on_the_chip(computed, rank):
    right, bias = np.random.default_rng(1).standard_normal((5, 6)).astype(np.float32), np.arange(6, dtype=np.float32)
    shape = (2, 3, 4, 5)[4 - rank :]
    y, x = computed(top.MatMulOp, shape, (*shape[:-1], 6), right, bias)
    np.testing.assert_allclose(y, x @ right + bias, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("exponent", [2.0, 0.5])
def test_powers_with_a_function_of_their_own(computed, exponent):
    y, x = computed(top.PowOp, (1, 2, 3, 4), (1, 2, 3, 4), positive=True, exponent=exponent)
    np.testing.assert_allclose(y, x**exponent, rtol=1e-5)


def test_scale_is_a_depthwise_convolution(computed):
    a, b = np.array([1.0, -2.0, 3.0], np.float32), np.array([0.5, 0.0, -1.0], np.float32)
    y, x = computed(top.ScaleOp, (1, 3, 2, 2), (1, 3, 2, 2), a, b, do_relu=True)
    np.testing.assert_allclose(y, np.maximum(x * a.reshape(1, 3, 1, 1) + b.reshape(1, 3, 1, 1), 0), rtol=1e-6)


def test_a_new_weight_does_not_take_the_place_of_the_models(chip):
    model = Model.new("one", "ONNX", [tensor_type((1, 2, 3, 3))])
    block = model.main.body.block
    block.add_op(x := top.InputOp.make("x", [block.args[0]], tensor_type((1, 2, 3, 3))))
    block.add_op(op := top.ScaleOp.make("y", [x.results[0]], tensor_type((1, 2, 3, 3))))
    values = [model.add_weight(f"y_{name}", np.full(2, number, np.float32), op) for name, number in (("filter", 3), ("bias", 5))]
    op.operands = [x.results[0], *values]
    model.set_outputs([op.results[0]])
    lowered = lower(model, plan_float(model, chip, {}))
    y = evaluate(lowered, {"x": np.ones((1, 2, 3, 3), np.float32)})["y"]
    assert np.all(y == 8)
