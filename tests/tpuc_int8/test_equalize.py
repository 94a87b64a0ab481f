"""Equalized weights: the same network, with like ranges on both sides of a channel."""

import numpy as np
import pytest
from tpuc_int8.equalize import EqualizeWeights

from tpuc_core.evaluate.session import FloatSession
from tpuc_core.ir import Model, State, tensor_type, top
from tpuc_core.passes import run_passes
from tpuc_core.testing import random_inputs

SHAPE = (1, 4, 8, 8)


def network(middle=None, group=1, second_reader=False, **relu):
    """conv1 -> middle -> conv2, with channels of very different ranges between."""
    rng = np.random.default_rng(2)
    model = Model.new("pair", "ONNX", [tensor_type(SHAPE)])
    block = model.main.body.block

    def add(op_class, name, operands, **attributes):
        op = op_class.make(name, operands, tensor_type(SHAPE), **attributes)
        block.add_op(op)
        return op.results[0]

    def conv(x, name, group, spread):
        anchor = top.NoneOp.create(result_types=[tensor_type(SHAPE)])
        block.add_op(anchor)
        filters = (rng.standard_normal((4, 4 // group, 3, 3)) * np.reshape(spread, (4, 1, 1, 1))).astype(np.float32)
        bias = rng.standard_normal(4).astype(np.float32)
        weights = [model.add_weight(f"{name}_{word}", array, anchor) for word, array in (("w", filters), ("b", bias))]
        anchor.detach()
        geometry = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1], "dilations": [1, 1], "group": group}
        return add(top.ConvOp, name, [x, *weights], **geometry, **(relu if name == "conv1" else {}))

    x = add(top.InputOp, "x", [block.args[0]])
    y = conv(x, "conv1", 1, [100, 1, 0.01, 3])
    z = y if middle is None else add(middle, "middle", [y])
    outputs = [conv(z, "conv2", group, [1, 1, 1, 1]), *([y] if second_reader else [])]
    model.set_outputs(outputs)
    model.state = State.TOP_F32
    return model


def outputs_of(model):
    x = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
    return FloatSession(model).run({"x": x}, all_tensors=True)


def channel_ranges(model, group=1):
    first, second = np.abs(model.weights["conv1_w"]), np.abs(model.weights["conv2_w"])
    return first.max(axis=(1, 2, 3)), second.max(axis=(1, 2, 3) if group > 1 else (0, 2, 3))


@pytest.mark.parametrize("group", [1, 4])
@pytest.mark.parametrize("middle", [None, top.ReluOp])
def test_ranges_agree_and_the_result_stays(middle, group):
    model = network(middle, group)
    wanted = outputs_of(model.clone())["conv2"]
    run_passes(model, [EqualizeWeights()])
    before, behind = channel_ranges(model, group)
    np.testing.assert_allclose(before, behind, rtol=0.05)
    np.testing.assert_allclose(outputs_of(model)["conv2"], wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


def test_the_tensor_between_has_channels_of_like_ranges():
    model = network(top.ReluOp)
    ratio = [np.ptp(outputs_of(model.clone())["conv1"], axis=(0, 2, 3))]
    run_passes(model, [EqualizeWeights()])
    ratio.append(np.ptp(outputs_of(model)["conv1"], axis=(0, 2, 3)))
    assert ratio[0].max() / ratio[0].min() > 10 * ratio[1].max() / ratio[1].min()


@pytest.mark.parametrize("options", [
    {"second_reader": True}, {"middle": top.SigmoidOp}, {"do_relu": True, "relu_limit": 6.0}], ids=str)
def test_what_is_not_homogeneous_or_read_elsewhere_stays(options):
    model = network(**options)
    before = {name: array.copy() for name, array in model.weights.items()}
    run_passes(model, [EqualizeWeights()])
    assert all(np.array_equal(before[name], model.weights[name]) for name in before)


@pytest.mark.parametrize("shape, first, second, group", [
    ((1, 4, 9), (4, 4, 3), (6, 4, 3), 1), ((1, 4, 5, 5, 5), (4, 4, 1, 1, 1), (4, 1, 3, 3, 3), 4), ((1, 4, 8, 8), (4, 4, 3, 3), (8, 1, 3, 3), 4)], ids=str)
def test_convolutions_of_any_rank_and_several_filters_a_channel(shape, first, second, group):
    rng, rank = np.random.default_rng(2), len(shape) - 2
    model = Model.new("pair", "ONNX", [tensor_type(shape)])
    block = model.main.body.block
    value = top.InputOp.make("x", [block.args[0]], tensor_type(shape))
    block.add_op(value)
    anchor = top.NoneOp.create(result_types=[tensor_type(shape)])
    for name, kernel, groups in (("conv1", first, 1), ("conv2", second, group)):
        block.add_op(anchor)
        filters = rng.standard_normal(kernel) * 10.0 ** rng.integers(-1, 2, (kernel[0], *(1,) * (len(kernel) - 1)))
        constants = {"w": filters.astype(np.float32), "b": rng.standard_normal(kernel[0]).astype(np.float32)}
        operands = [value.results[0], *(model.add_weight(f"{name}_{key}", array, anchor) for key, array in constants.items())]
        anchor.detach()
        value = top.ConvOp.make(name, operands, tensor_type((1, kernel[0], *shape[2:])), group=groups, kernel_shape=list(kernel[2:]),
                                strides=[1] * rank, dilations=[1] * rank, pads=[k // 2 for k in kernel[2:]] * 2)
        block.add_op(value)
    model.set_outputs(value.results)
    model.state = State.TOP_F32
    inputs = random_inputs(model)
    wanted, filters = FloatSession(model.clone()).run(inputs)["conv2"], model.weights["conv1_w"]
    run_passes(model, [EqualizeWeights()])
    np.testing.assert_allclose(FloatSession(model).run(inputs)["conv2"], wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())
    assert np.abs(model.weights["conv1_w"] - filters).max() > 0.1
