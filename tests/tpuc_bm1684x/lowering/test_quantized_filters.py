"""Filters that a model brings quantized: unsigned or signed, with a zero point, with one scale or one a channel, and an i32 bias."""

from __future__ import annotations

import numpy as np
import pytest
from tpuc_bm1684x.interpreter import Interpreter
from xdsl.dialects.builtin import TensorType, f32

from tests.tpuc_bm1684x.nets import Net, samples
from tests.tpuc_bm1684x.reference_tpu import evaluate
from tpuc_core.errors import TpucError
from tpuc_core.ir import tensor_type, top
from tpuc_core.ir.dialects.quant import Uniform, UniformType

FORMS = {"unsigned": ("u8", 131), "unsigned near the end": ("u8", 250), "signed": ("i8", -7), "symmetric": ("i8", 0)}


def quantized_weight(net, name, shape, form, axis=None):
    """A random weight with a scale each along `axis`, or one."""
    storage, zero_point = FORMS[form]
    net.model.weights[name] = net.rng.integers(0, 256, shape).astype(np.uint8).view(np.int8 if storage == "i8" else np.uint8)
    scales = tuple(0.002 + 0.001 * i for i in range(shape[axis])) if axis is not None else (0.004,)
    element = UniformType(Uniform(storage, scales, (zero_point,) * len(scales), f32, axis))
    return net._append(top.WeightOp.make(name, [], TensorType(element, shape)))


def integer_bias(net, name, size):
    net.model.weights[name] = net.rng.integers(-2000, 2000, size).astype(np.int32)
    return net._append(top.WeightOp.make(name, [], tensor_type((size,), "i32")))


def network(form, per_channel=False):
    """Dense and depthwise convolution, and a matrix product."""
    net = Net((2, 6, 9, 7))
    axis = 0 if per_channel else None
    geometry = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1], "dilations": [1, 1]}
    x = net.op("Conv", [net.values[0], quantized_weight(net, "w0", (8, 6, 3, 3), form, axis), integer_bias(net, "b0", 8)], (2, 8, 9, 7), **geometry)
    x = net.op("Conv", [x, quantized_weight(net, "w1", (8, 1, 3, 3), form, axis), None], (2, 8, 9, 7), group=8, **geometry)
    x = net.op("Reshape", [x], (2, 504), shape=[2, 504])
    right = quantized_weight(net, "w2", (504, 10), form, 1 if per_channel else None)
    net.op("MatMul", [x, right, integer_bias(net, "b2", 10)], (2, 10))
    return net


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", ["INT8", "INT8_ASYM", "UINT8"])
def test_the_integers_are_used_as_they_are(prove, form, mode):
    model = network(form).lowered(mode)
    _, given = prove(model)
    expected = evaluate(model, samples(model))
    for name, array in given.items():
        assert array.dtype == expected[name].dtype and np.array_equal(array, expected[name]), name


def test_scales_of_channels_become_multipliers_of_channels():
    model = network("symmetric", per_channel=True).lowered("INT8_ASYM")
    conv = next(op for op in model.ops() if op.name == "tpu.Conv2D")
    factors = np.array(conv.get("multiplier")) / 2.0 ** np.array(conv.get("rshift"))
    np.testing.assert_allclose(factors / factors[0], (2 + np.arange(8)) / 2, rtol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_the_result_is_that_of_real_arithmetic(form):
    net = Net((1, 6, 9, 7))
    geometry = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1], "dilations": [1, 1]}
    net.op("Conv", [net.values[0], quantized_weight(net, "w0", (6, 1, 3, 3), form), None], (1, 6, 9, 7), group=6, **geometry)
    model = net.lowered("INT8_ASYM")
    tensors = Interpreter(model).run(samples(model), all_tensors=True)
    x = np.pad(next(v for k, v in tensors.items() if k.endswith("si8")), ((0, 0), (0, 0), (1, 1), (1, 1)))
    weights = (net.model.weights["w0"].astype(np.float64) - FORMS[form][1]) * 0.004
    wanted = sum(x[:, :, i : i + 9, j : j + 7] * weights[:, 0, i, j].reshape(1, 6, 1, 1) for i in range(3) for j in range(3))
    low, high = -3.0, 5.0  # what Net calibrates the second tensor to
    np.testing.assert_allclose(tensors[net.values[-1].owner.names[0]], np.clip(wanted, low, high), atol=0.04)


def test_zero_points_that_differ_are_refused():
    net = Net((2, 504))
    net.model.weights["w"] = np.zeros((504, 2), np.int8)
    element = UniformType(Uniform("i8", (0.1, 0.1), (1, 2), f32, 1))
    net.op("MatMul", [net.values[0], net._append(top.WeightOp.make("w", [], TensorType(element, (504, 2)))), None], (2, 2))
    with pytest.raises(TpucError, match=r'weight "w" has 2 different zero points'):
        net.lowered("INT8_ASYM")
