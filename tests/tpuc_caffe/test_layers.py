"""Every type of layer is imported as OpenCV computes it."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from caffe_nets import inputs_text, kinds, layer_text, random

from tpuc_core.evaluate import evaluate
from tpuc_core.ir import shape_of

MAP = inputs_text(data=(2, 4, 7, 9))
SMALL = inputs_text(data=(1, 6, 4, 4))


def conv(parameters: str, kind: str = "Convolution") -> str:
    return layer_text(kind, parameters=f"convolution_param {{ {parameters} }}")


@pytest.mark.parametrize(("parameters", "shape"), [
    ("num_output: 6 kernel_size: 3", (6, 4, 3, 3)),
    ("num_output: 6 kernel_size: 3 pad: 1 stride: 2 bias_term: false", (6, 4, 3, 3)),
    ("num_output: 8 kernel_size: 3 pad: 2 dilation: 2 group: 2", (8, 2, 3, 3)),
    ("num_output: 4 kernel_size: 3 pad: 1 group: 4", (4, 1, 3, 3)),
    ("num_output: 5 kernel_h: 1 kernel_w: 3 pad_h: 0 pad_w: 1 stride_h: 2 stride_w: 1", (5, 4, 1, 3)),
    ("num_output: 5 kernel_size: 5 kernel_size: 1 pad: 2 pad: 0", (5, 4, 5, 1)),
])  # fmt: skip
def test_convolution(check, parameters, shape):
    check(MAP + conv(parameters), {"y": [random(*shape), random(shape[0], seed=1)][: 1 if "bias_term" in parameters else 2]})


@pytest.mark.parametrize(("parameters", "shape"), [
    ("num_output: 6 kernel_size: 4 stride: 2 pad: 1", (4, 6, 4, 4)),
    ("num_output: 6 kernel_size: 3 stride: 2 group: 2 bias_term: false", (4, 3, 3, 3)),
    ("num_output: 4 kernel_size: 4 stride: 2 pad: 1 group: 4", (4, 1, 4, 4)),
])  # fmt: skip
def test_deconvolution(check, parameters, shape):
    outputs = int(parameters.split()[1])
    blobs = [random(*shape), random(outputs, seed=1)][: 1 if "bias_term" in parameters else 2]
    check(MAP + conv(parameters, "Deconvolution"), {"y": blobs})


@pytest.mark.parametrize(("parameters", "shape"), [
    ("num_output: 5", (5, 252)),
    ("num_output: 5 bias_term: false", (5, 252)),
    ("num_output: 5 axis: 3", (5, 9)),
])  # fmt: skip
def test_inner_product(check, parameters, shape):
    text = MAP + layer_text("InnerProduct", parameters=f"inner_product_param {{ {parameters} }}")
    check(text, {"y": [random(*shape, scale=0.1), random(5, seed=1)][: 1 if "bias_term" in parameters else 2]})


def test_a_turned_matrix_of_an_inner_product(save, load):
    """OpenCV does not read `transpose`."""
    weight, x = random(6, 3), random(2, 6, seed=1)
    text = inputs_text(data=(2, 6)) + layer_text("InnerProduct", parameters="inner_product_param { num_output: 3 transpose: true bias_term: false }")
    found = evaluate(load(save(text, {"y": [weight]})), {"data": x})
    np.testing.assert_allclose(found["y"], x @ weight, rtol=1e-5)


def test_the_shapes_of_old_files_have_four_numbers(check):
    text = inputs_text(data=(2, 6)) + layer_text("InnerProduct", parameters="inner_product_param { num_output: 3 }")
    check(text, {"y": [random(1, 1, 3, 6), random(1, 1, 1, 3)]})


POOLS = [
    "kernel_size: 3 stride: 2",
    "kernel_size: 3 stride: 2 pad: 1",
    "kernel_size: 2 stride: 2 pad: 1",
    "kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 2 pad_h: 1 pad_w: 0",
    "kernel_size: 3 stride: 1 pad: 1",
    "global_pooling: true",
    "kernel_size: 3 stride: 3",
]


@pytest.mark.parametrize("parameters", POOLS)
@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize("size", [(7, 9), (8, 8), (6, 5)])
def test_pooling_counts_upwards(check, parameters, method, size):
    check(inputs_text(data=(1, 3, *size)) + layer_text("Pooling", parameters=f"pooling_param {{ pool: {method} {parameters} }}"))


def test_pooling_that_rounds_down(save, load):
    text = inputs_text(data=(1, 3, 8, 8)) + layer_text("Pooling", parameters="pooling_param { kernel_size: 3 stride: 2 round_mode: FLOOR }")
    assert shape_of(load(save(text)).outputs[0]) == (1, 3, 3, 3)


NORMS = {
    "BatchNorm": ([random(4), np.abs(random(4, seed=1)) + 0.1, np.array([2.5], np.float32)], "batch_norm_param { eps: 0.001 }"),
    "Scale": ([random(4), random(4, seed=1)], "scale_param { bias_term: true }"),
}


def test_batch_norm_and_scale_go_into_the_convolution(check):
    blobs = {"c": [random(4, 4, 3, 3), random(4, seed=2)], "b": NORMS["BatchNorm"][0], "s": NORMS["Scale"][0]}
    text = MAP + layer_text("Convolution", top="c", parameters="convolution_param { num_output: 4 kernel_size: 3 pad: 1 }")
    text += layer_text("BatchNorm", "c", "c", NORMS["BatchNorm"][1], name="b") + layer_text("Scale", "c", "c", NORMS["Scale"][1], name="s")
    text += layer_text("ReLU", "c", "c", name="r")
    model, _ = check(text, blobs, wanted=["c"])
    assert kinds(model) == ["Conv"]


@pytest.mark.parametrize("count", [0.0, 1.0, 999.0])
def test_batch_norm_divides_by_its_count(check, count):
    mean, variance, _ = NORMS["BatchNorm"][0]
    scale = max(count, 1.0)
    check(MAP + layer_text("BatchNorm"), {"y": [mean * scale, variance * scale, np.array([count], np.float32)]})


def test_scale_without_bias(check):
    model, _ = check(MAP + layer_text("Scale"), {"y": [random(4)]})
    assert kinds(model) == ["Scale"]


def test_scale_by_another_tensor(check):
    text = inputs_text(data=(2, 4, 7, 9), s=(2, 4)) + layer_text("Scale", "data s", parameters="scale_param { axis: 0 }")
    check(text)


def test_bias(save, load):
    """OpenCV has no such layer alone."""
    x, term = random(2, 4, 7, 9), random(4, seed=1)
    found = evaluate(load(save(MAP + layer_text("Bias"), {"y": [term]})), {"data": x})
    np.testing.assert_allclose(found["y"], x + term.reshape(1, -1, 1, 1), rtol=1e-6)


FUNCTIONS = {
    "ReLU": "", "ReLU ": "relu_param { negative_slope: 0.1 }", "ReLU6": "", "Sigmoid": "", "TanH": "", "AbsVal": "", "BNLL": "",
    "ELU": "elu_param { alpha: 0.7 }", "Power": "power_param { power: 2 scale: 0.5 shift: 0.25 }", "Power ": "power_param { scale: 3 }",
    "Exp": "exp_param { base: 2 scale: 0.5 shift: 1 }", "Exp ": "", "Swish": "",
}  # fmt: skip


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_functions_of_one_value(check, kind):
    check(MAP + layer_text(kind.strip(), parameters=FUNCTIONS[kind]))


@pytest.mark.parametrize(("parameters", "function"), [
    ("", np.log), ("log_param { base: 2 scale: 3 shift: 1 }", lambda x: np.log2(3 * x + 1)), ("log_param { base: 10 }", np.log10),
])  # fmt: skip
def test_logarithms(save, load, parameters, function):
    x = np.abs(random(2, 4, 7, 9)) + 0.1
    found = evaluate(load(save(MAP + layer_text("Log", parameters=parameters))), {"data": x})
    np.testing.assert_allclose(found["y"], function(x), rtol=1e-5, atol=1e-6)


def test_prelu(check):
    check(MAP + layer_text("PReLU"), {"y": [random(4)]})


def test_prelu_with_one_slope(check):
    model, _ = check(MAP + layer_text("PReLU", parameters="prelu_param { channel_shared: true }"), {"y": [random(1)]})
    assert kinds(model) == ["LeakyRelu"]


TWO = inputs_text(a=(2, 4, 7, 9), b=(2, 4, 7, 9))


@pytest.mark.parametrize("parameters", ["", "eltwise_param { coeff: 1 coeff: -1 }", "eltwise_param { coeff: 0.5 coeff: 2 }",
                                        "eltwise_param { operation: PROD }", "eltwise_param { operation: MAX }"])
def test_eltwise(check, parameters):
    check(TWO + layer_text("Eltwise", "a b", parameters=parameters))


@pytest.mark.parametrize("operation", ["SUM", "PROD", "MAX"])
def test_eltwise_of_three(check, operation):
    text = inputs_text(a=(2, 4, 7, 9), b=(2, 4, 7, 9), c=(2, 4, 7, 9))
    check(text + layer_text("Eltwise", "a b c", parameters=f"eltwise_param {{ operation: {operation} }}"))


@pytest.mark.parametrize("parameters", ["", "concat_param { axis: 2 }", "concat_param { axis: -1 }"])
def test_concat(check, parameters):
    check(TWO + layer_text("Concat", "a b", parameters=parameters))


@pytest.mark.parametrize(("tops", "parameters"), [
    ("y z w", "slice_param { slice_point: 1 slice_point: 3 }"), ("y z", "slice_param { axis: 2 slice_point: 2 }"),
])  # fmt: skip
def test_slice(check, tops, parameters):
    check(MAP + layer_text("Slice", top=tops, parameters=parameters), wanted=tops.split())


def test_slice_in_equal_parts(check):
    check(MAP + layer_text("Slice", top="a b") + layer_text("Eltwise", "a b"), wanted=["a", "b", "y"])


@pytest.mark.parametrize("parameters", ["crop_param { axis: 2 offset: 1 }", "crop_param { axis: 2 offset: 0 offset: 3 }"])
def test_crop(check, parameters):
    check(inputs_text(data=(2, 4, 7, 9), like=(2, 4, 5, 4)) + layer_text("Crop", "data like", parameters=parameters))


@pytest.mark.parametrize("dims", [(0, -1), (0, 2, 2, -1), (2, 252), (0, 0, 63)])
def test_reshape(check, dims):
    text = " ".join(f"dim: {d}" for d in dims)
    check(MAP + layer_text("Reshape", parameters=f"reshape_param {{ shape {{ {text} }} }}"))


def test_reshape_of_some_dimensions(check):
    check(MAP + layer_text("Reshape", parameters="reshape_param { shape { dim: 2 dim: 2 } axis: 1 num_axes: 1 }"))


@pytest.mark.parametrize("parameters", ["", "flatten_param { axis: 2 }", "flatten_param { axis: 1 end_axis: 2 }"])
def test_flatten(check, parameters):
    check(MAP + layer_text("Flatten", parameters=parameters))


@pytest.mark.parametrize("order", ["0 2 3 1", "0 3 1 2", "1 0 2 3"])
def test_permute(check, order):
    text = " ".join(f"order: {axis}" for axis in order.split())
    check(MAP + layer_text("Permute", parameters=f"permute_param {{ {text} }}"))


@pytest.mark.parametrize("parameters", ["", "softmax_param { axis: 2 }", "softmax_param { axis: -1 }"])
def test_softmax(check, parameters):
    check(MAP + layer_text("Softmax", parameters=parameters))


@pytest.mark.parametrize("parameters", ["local_size: 3 alpha: 0.5 beta: 0.75", "local_size: 5 alpha: 1 beta: 0.5",
                                        "local_size: 3 alpha: 0.5 beta: 0.75 norm_region: WITHIN_CHANNEL"])
def test_lrn(check, parameters):
    check(MAP + layer_text("LRN", parameters=f"lrn_param {{ {parameters} }}"))


@pytest.mark.parametrize(("parameters", "count"), [
    ("across_spatial: false channel_shared: false", 4), ("across_spatial: false channel_shared: true", 1), ("across_spatial: true", 1),
])  # fmt: skip
def test_normalize(check, parameters, count):
    check(MAP + layer_text("Normalize", parameters=f"norm_param {{ {parameters} }}"), {"y": [np.abs(random(count)) + 1]})


def test_shuffle_channel(check):
    check(SMALL + layer_text("ShuffleChannel", parameters="shuffle_channel_param { group: 3 }"))


@pytest.mark.parametrize("parameters", ["height: 13 width: 10", "zoom_factor: 2"])
def test_interp(check, parameters):
    check(MAP + layer_text("Interp", parameters=f"interp_param {{ {parameters} }}"))


@pytest.mark.parametrize(("operation", "axis"), [("SUM", 1), ("MEAN", 2), ("ASUM", 1), ("SUMSQ", 3)])
def test_reduction(save, load, operation, axis):
    x = random(2, 4, 7, 9)
    model = load(save(MAP + layer_text("Reduction", parameters=f"reduction_param {{ operation: {operation} axis: {axis} coeff: 2 }}")))
    axes = tuple(range(axis, 4))
    wanted = {"SUM": x.sum(axes), "MEAN": x.mean(axes), "ASUM": np.abs(x).sum(axes), "SUMSQ": (x * x).sum(axes)}[operation] * 2
    np.testing.assert_allclose(evaluate(model, {"data": x})["y"], wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("parameters", "function"), [
    ("axis: 1", lambda x: x.argmax(1)[:, None]), ("axis: 1 out_max_val: true", lambda x: x.max(1)[:, None]),
    ("", lambda x: x.reshape(2, -1).argmax(1).reshape(2, 1, 1)),
    ("out_max_val: true", lambda x: np.stack([x.reshape(2, -1).argmax(1), x.reshape(2, -1).max(1)], 1)[..., None]),
])  # fmt: skip
def test_arg_max(save, load, parameters, function):
    x = random(2, 4, 7, 9)
    model = load(save(MAP + layer_text("ArgMax", parameters=f"argmax_param {{ {parameters} }}")))
    np.testing.assert_allclose(evaluate(model, {"data": x})["y"], function(x), rtol=1e-6)


def test_a_window_that_would_begin_behind_the_map_does_not_count_where_any_side_is_padded(save, load):
    """OpenCV counts it where its own side is not padded."""
    parameters = "pooling_param { kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 3 pad_h: 1 pad_w: 0 }"
    assert shape_of(load(save(MAP + layer_text("Pooling", parameters=parameters))).outputs[0]) == (2, 4, 4, 3)


def lrn(x: np.ndarray, size: int, alpha: float, beta: float, k: float) -> np.ndarray:
    sums = np.zeros_like(x)
    for c in range(x.shape[1]):
        sums[:, c] = np.square(x[:, max(c - size // 2, 0) : c + size // 2 + 1]).sum(1)
    return x / (k + alpha / size * sums) ** beta


def interp(x: np.ndarray, height: int, width: int) -> np.ndarray:
    for axis, size in ((2, height), (3, width)):
        where = np.linspace(0, x.shape[axis] - 1, size)
        low = np.floor(where).astype(int)
        part = (where - low).reshape([-1 if i == axis else 1 for i in range(4)])
        x = x.take(low, axis) * (1 - part) + x.take(np.minimum(low + 1, x.shape[axis] - 1), axis) * part
    return x


def test_what_opencv_lacks_or_reads_otherwise(save, load):
    x = random(1, 6, 4, 4)
    cases = {
        ("Upsample", "upsample_param { scale: 2 }"): x.repeat(2, 2).repeat(2, 3),
        ("Tile", "tile_param { axis: 2 tiles: 3 }"): np.tile(x, (1, 1, 3, 1)),
        ("Reverse", "reverse_param { axis: 1 }"): x[:, ::-1],
        ("Threshold", "threshold_param { threshold: 0.1 }"): (x > 0.1).astype(np.float32),
        ("Clip", "clip_param { min: -0.2 max: 0.3 }"): x.clip(-0.2, 0.3),
        ("LRN", "lrn_param { local_size: 5 alpha: 1 beta: 0.5 k: 2 }"): lrn(x, 5, 1, 0.5, 2),
        ("Interp", "interp_param { shrink_factor: 2 }"): interp(x, 2, 2),
        ("Interp", "interp_param { pad_beg: -1 pad_end: 0 height: 7 width: 5 }"): interp(x[:, :, 1:, 1:], 7, 5),
        ("Reorg", "reorg_param { stride: 2 }"): np.concatenate([x[:, :, i::2, j::2] for i in range(2) for j in range(2)], 1),
    }
    for (kind, parameters), wanted in cases.items():
        np.testing.assert_allclose(evaluate(load(save(SMALL + layer_text(kind, parameters=parameters))), {"data": x})["y"], wanted, rtol=1e-5, atol=1e-6, err_msg=kind)


def test_old_fields_of_concat(save, load):
    a, b = random(2, 4, 7, 9), random(2, 4, 7, 9, seed=1)
    model = load(save(TWO + layer_text("Concat", "a b", parameters="concat_param { concat_dim: 3 }")))
    np.testing.assert_array_equal(evaluate(model, {"a": a, "b": b})["y"], np.concatenate([a, b], 3))
