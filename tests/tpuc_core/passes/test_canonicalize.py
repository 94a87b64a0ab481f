"""Canonical form: text in, text out, as the vendor's passes make it; and the same values in any case."""

import re

import numpy as np
import pytest

from tpuc_core.ir import load_model, print_text, save_model, tensor_name, top, verify
from tpuc_core.passes import parse_passes, run_passes

PASSES = ["--shape-infer", "--canonicalize"]
RNG = np.random.default_rng(0)
POINTWISE = {"kernel_shape": [1, 1], "strides": [1, 1], "pads": [0, 0, 0, 0]}
WINDOW = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1]}


def canonical(model):
    run_passes(model, parse_passes(PASSES))
    verify(model)
    return model


def kinds(model):
    return [op.name.removeprefix("top.") for op in model.ops()]


def random(*shape):
    return RNG.standard_normal(shape)


@pytest.mark.parametrize("name", ["cnn", "det", "tfm"])
def test_imported_file_becomes_what_the_vendor_makes_of_it(data, name):
    model = canonical(load_model(data / f"{name}_origin.mlir"))
    wanted = (data / f"{name}.mlir").read_text()
    assert _comparable(print_text(model.module)) == _comparable(wanted)
    reference = load_model(data / f"{name}.mlir")
    for weight in reference.weights:
        np.testing.assert_allclose(model.weights[weight].ravel(), reference.weights[weight].ravel(), rtol=1e-6)


def _comparable(text):
    return re.sub(r'module.FLOPs = \d+ : i64, |module.weight_file = "[^"]*"', "", text).rstrip("\n")


def batch_norm(b):
    y = b.add(top.BatchNormOp, "bn", [b.inputs[0], *(b.weight(n, np.abs(random(4))) for n in ("m", "v", "g", "b"))])
    return b.add(top.ReluOp, "relu", [y])


def mul_add(b):
    y = b.add(top.MulOp, "mul", [b.inputs[0], b.weight("g", random(1, 4, 1, 1))])
    return b.add(top.AddOp, "add", [y, b.weight("b", random(4, 1, 1))])


def mul_alone(b):
    return b.add(top.MulOp, "mul", [b.inputs[0], b.weight("g", random(1, 4, 1, 1))])


def add_alone(b):
    return b.add(top.AddOp, "add", [b.weight("g", random(4, 1, 1)), b.inputs[0]])


def constants(b):
    y = b.add(top.MulOp, "mul", [b.inputs[0], b.weight("c0", [2.5])])
    y = b.add(top.DivOp, "div", [b.add(top.AddOp, "add", [y, b.weight("c1", [0.1])]), b.weight("c2", [0.3])])
    y = b.add(top.MaxOp, "max", [y, b.weight("c3", [0.1])])
    return b.add(top.MinOp, "min", [y, b.weight("c4", [0.2])])


def silu(b):
    return b.add(top.MulOp, "y", [b.inputs[0], b.add(top.SigmoidOp, "s", [b.inputs[0]])])


def whole_map_pools(b):
    mean = b.add(top.ReduceOp, "mean", b.inputs, axes=[2, 3], keepdims=True, mode="ReduceMean")
    largest = b.add(top.ReduceOp, "max", b.inputs, axes=[-2, -1], keepdims=True, mode="ReduceMax")
    pool = b.add(top.AvgPoolOp, "pool", b.inputs, kernel_shape=[], strides=[], pads=[], count_include_pad=True)
    return mean, largest, b.add(top.FlattenOp, "flat", [pool], start_dim=1)


def split(b):
    return b.add(top.AddOp, "sum", b.add(top.SplitOp, ["a", "b"], b.inputs, axis=1, num=2))


def interp(b):
    sizes = {"scale_h": 2.0, "scale_w": 2.0}
    return (
        b.add(top.InterpOp, "near", [b.inputs[0], b.none()], coord_mode="asymmetric", mode="nearest", **sizes),
        b.add(top.InterpOp, "linear", [b.inputs[0], b.none()], coord_mode="half_pixel", mode="linear", **sizes),
    )


def pointwise_twice(b):
    y = b.add(top.ConvOp, "c1", [b.inputs[0], b.weight("w1", random(6, 4, 1, 1)), b.weight("b1", random(6))], **POINTWISE)
    return b.add(top.ConvOp, "c2", [y, b.weight("w2", random(5, 6, 1, 1)), b.weight("b2", random(5))], **POINTWISE)


def reshapes(b):
    y = b.add(top.ReshapeOp, "r2", [b.add(top.ReshapeOp, "r1", b.inputs, shape=[1, -1])], shape=[1, 16, 16])
    y = b.add(top.PermuteOp, "p2", [b.add(top.PermuteOp, "p1", [y], order=[0, 2, 1])], order=[0, 2, 1])
    return b.add(top.UnsqueezeOp, "us", [b.add(top.SqueezeOp, "sq", [y], axes=[0])], axes=[0])


def pad_conv(b):
    y = b.add(top.PadOp, "pad", b.inputs, mode="constant", paddings=[0, 0, 1, 1, 0, 0, 1, 1])
    return b.add(top.ConvOp, "c", [y, b.weight("w", random(6, 4, 3, 3)), b.none()], **WINDOW | {"pads": [0, 0, 0, 0]})


NETS = [
    (batch_norm, ["Scale"]),
    (mul_add, ["Scale"]),
    (mul_alone, ["Scale"]),
    (add_alone, ["Scale"]),
    (constants, ["MulConst", "AddConst", "MulConst", "MaxConst", "MinConst"]),
    (silu, ["SiLU"]),
    (whole_map_pools, ["AvgPool", "MaxPool", "AvgPool", "Reshape"]),
    (split, ["Slice", "Slice", "Add"]),
    (interp, ["Upsample", "Interp"]),
    (pointwise_twice, ["Conv"]),
    (reshapes, ["Reshape"]),
    (pad_conv, ["Conv"]),
]


def built(build, net):
    builder = build((1, 4, 8, 8))
    outputs = net(builder)
    return builder.finish(*(outputs if isinstance(outputs, tuple) else (outputs,)))


@pytest.mark.parametrize(("net", "wanted"), NETS, ids=lambda p: getattr(p, "__name__", ""))
def test_ops_of_the_canonical_form(build, net, wanted):
    assert kinds(canonical(built(build, net))) == wanted


@pytest.mark.parametrize("net", [n for n, _ in NETS], ids=lambda p: p.__name__)
def test_values_do_not_change(build, net):
    from tpuc_core.evaluate.evaluator import Evaluator

    model = built(build, net)
    run_passes(model, parse_passes(["--shape-infer"]))
    inputs = {"in0": RNG.standard_normal((1, 4, 8, 8), dtype=np.float32)}
    before = _outputs(Evaluator, model, inputs)
    after = _outputs(Evaluator, canonical(model.clone()), inputs)
    assert list(before) == list(after)
    for name, array in before.items():
        np.testing.assert_allclose(after[name], array, rtol=2e-5, atol=2e-5)


def _outputs(evaluator, model, inputs):
    values = evaluator(model).run(inputs)
    return {tensor_name(v): values[tensor_name(v)] for v in model.outputs}


@pytest.mark.vendor
@pytest.mark.parametrize("net", [n for n, _ in NETS], ids=lambda p: p.__name__)
def test_canonical_form_is_that_of_the_vendor(build, tmp_path, vendor_opt, net):
    model = built(build, net)
    save_model(model, tmp_path / "net.mlir")
    answer = vendor_opt(tmp_path, "net.mlir", *PASSES, "--extra-optimize")
    assert _without_module_line(print_text(canonical(model).module)) == _without_module_line(answer)


def _without_module_line(text):
    return re.sub(r"module @.*", "", text).rstrip("\n")


def test_scale_goes_into_the_convolution_before_it(build):
    builder = build((1, 4, 8, 8))
    y = builder.add(top.ConvOp, "c", [builder.inputs[0], builder.weight("w", random(6, 4, 3, 3)), builder.none()], **WINDOW)
    y = builder.add(top.BatchNormOp, "bn", [y, *(builder.weight(n, np.abs(random(6))) for n in ("m", "v", "g", "b"))])
    model = canonical(builder.finish(builder.add(top.ReluOp, "r", [y])))
    (conv,) = model.ops()
    assert (conv.names, conv.get("do_relu")) == (["r"], True)
    w, m, v, g, b = (model.weights[n].astype(np.float64) for n in ("w", "m", "v", "g", "b"))
    scale = g / np.sqrt(v + 1e-5)
    np.testing.assert_allclose(model.weight(conv.operands[1]), w * scale[:, None, None, None], rtol=1e-6)
    np.testing.assert_allclose(model.weight(conv.operands[2]), b - m * scale, rtol=1e-5, atol=1e-7)


def test_two_limits_of_relu_leave_the_smaller_one(build):
    builder = build((1, 4, 8, 8))
    y = builder.add(top.AddConstOp, "a", builder.inputs, const_val=1.0)
    y = builder.add(top.ReluOp, "r1", [y], relu_limit=6.0)
    model = canonical(builder.finish(builder.add(top.ReluOp, "r2", [y])))
    (op,) = model.ops()
    assert (op.names, op.get("do_relu"), op.get("relu_limit")) == (["r2"], True, 6.0)


def test_relu_stays_where_the_value_before_it_is_used_elsewhere(build):
    builder = build((1, 4, 8, 8))
    y = builder.add(top.AddConstOp, "a", builder.inputs, const_val=1.0)
    model = canonical(builder.finish(builder.add(top.ReluOp, "r", [y]), y))
    assert kinds(model) == ["AddConst", "Relu"]


def test_pointwise_convolutions_stay_apart_where_one_would_be_more_work(build):
    builder = build((1, 32, 4, 4))
    y = builder.add(top.ConvOp, "c1", [builder.inputs[0], builder.weight("w1", random(2, 32, 1, 1)), builder.none()], **POINTWISE)
    y = builder.add(top.ConvOp, "c2", [y, builder.weight("w2", random(32, 2, 1, 1)), builder.none()], **POINTWISE)
    assert kinds(canonical(builder.finish(y))) == ["Conv", "Conv"]


def test_nearest_with_aligned_corners_is_no_upsampling(build):
    builder = build((1, 4, 8, 8))
    options = {"coord_mode": "align_corners", "mode": "nearest", "scale_h": 2.0, "scale_w": 2.0}
    model = canonical(builder.finish(builder.add(top.InterpOp, "y", [builder.inputs[0], builder.none()], **options)))
    assert kinds(model) == ["Interp"]


def test_a_convolution_along_a_line_becomes_one_over_a_map(build):
    builder = build((1, 4, 8))
    kernel = builder.weight("w", random(6, 4, 3))
    options = {"kernel_shape": [3], "strides": [1], "pads": [1, 1], "dilations": [1]}
    model = canonical(builder.finish(builder.add(top.ConvOp, "y", [builder.inputs[0], kernel, builder.none()], **options)))
    (conv,) = model.ops()
    assert (conv.get("kernel_shape"), conv.get("pads"), conv.get("dilations")) == ([3, 1], [1, 0, 1, 0], [1, 1])


def test_what_nothing_uses_goes_away_with_its_weights(build):
    builder = build((1, 4, 8, 8))
    builder.add(top.AddOp, "unused", [builder.inputs[0], builder.weight("w", random(1, 4, 8, 8))])
    model = canonical(builder.finish(builder.add(top.AbsOp, "y", builder.inputs)))
    assert kinds(model) == ["Abs"]
    assert "top.Weight" not in print_text(model.module)


def test_the_canonical_form_is_its_own(data):
    model = load_model(data / "det.mlir")
    before = print_text(model.module)
    assert print_text(canonical(model).module) == before
