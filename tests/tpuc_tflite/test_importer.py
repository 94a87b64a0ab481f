"""Operators of float files, one small file each, against LiteRT."""

from __future__ import annotations

import numpy as np
import pytest
from flatfiles import N, T, const

RNG = np.random.default_rng(1)


def normal(*shape):
    return const(RNG.normal(size=shape).astype(np.float32))


def ops_of(model):
    return [op.name.removeprefix("top.") for op in model.ops()]


CONV = {"Padding": 0, "StrideH": 2, "StrideW": 1, "FusedActivationFunction": 3}


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("size", [7, 8])
def test_conv_2d(imported, padding, size):
    tensors = {"x": T((1, size, 6, 3)), "w": normal(4, 3, 2, 3), "b": normal(4), "y": T()}
    node = N("CONV_2D", ["x", "w", "b"], ["y"], "Conv2DOptions", CONV | {"Padding": padding})
    model = imported(tensors, [node], ["x"], ["y"])
    assert ops_of(model) == ["Conv"]
    assert model.inputs[0].results[0].type.get_shape() == (1, 3, size, 6)


@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise_conv_2d(imported, multiplier):
    tensors = {"x": T((2, 5, 6, 3)), "w": normal(1, 3, 3, 3 * multiplier), "b": normal(3 * multiplier), "y": T()}
    fields = {
        "Padding": 0,
        "StrideH": 1,
        "StrideW": 1,
        "DepthMultiplier": multiplier,
        "DilationHFactor": 2,
        "DilationWFactor": 2,
    }
    imported(tensors, [N("DEPTHWISE_CONV_2D", ["x", "w", "b"], ["y"], "DepthwiseConv2DOptions", fields)], ["x"], ["y"])


@pytest.mark.parametrize(("padding", "size"), [(0, (6, 8)), (1, (7, 9)), (1, (8, 9))])
def test_transpose_conv(imported, padding, size):
    tensors = {"s": const([1, *size, 5]), "w": normal(5, 3, 3, 2), "x": T((1, 3, 4, 2)), "y": T()}
    fields = {"Padding": padding, "StrideH": 2, "StrideW": 2}
    imported(tensors, [N("TRANSPOSE_CONV", ["s", "w", "x"], ["y"], "TransposeConvOptions", fields)], ["x"], ["y"])


@pytest.mark.parametrize("op", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
@pytest.mark.parametrize("padding", [0, 1])
def test_pools(imported, op, padding):
    fields = {"Padding": padding, "StrideH": 2, "StrideW": 2, "FilterHeight": 3, "FilterWidth": 2}
    imported({"x": T((1, 7, 6, 3)), "y": T()}, [N(op, ["x"], ["y"], "Pool2DOptions", fields)], ["x"], ["y"])


@pytest.mark.parametrize(
    "op", ["ABS", "EXP", "HARD_SWISH", "LOGISTIC", "NEG", "RELU", "RELU6", "RELU_N1_TO_1", "SQUARE", "TANH", "ELU"]
)
def test_functions(imported, op):
    imported({"x": T((1, 3, 4, 5)), "y": T()}, [N(op, ["x"], ["y"])], ["x"], ["y"], low=-7, high=7)


def test_leaky_relu_and_softmax_and_prelu(imported):
    tensors = {"x": T((1, 3, 4, 5)), "slope": normal(1, 1, 5), "a": T(), "b": T(), "y": T()}
    nodes = [
        N("LEAKY_RELU", ["x"], ["a"], "LeakyReluOptions", {"Alpha": 0.2}),
        N("PRELU", ["a", "slope"], ["b"]),
        N("SOFTMAX", ["b"], ["y"], "SoftmaxOptions", {"Beta": 1.0}),
    ]
    imported(tensors, nodes, ["x"], ["y"])


@pytest.mark.parametrize("shape", [(5,), (1, 5), (4, 5), (3, 1, 5), (1, 3, 4, 5), (1, 1, 1, 1), ()])
@pytest.mark.parametrize("op", ["ADD", "MUL", "SUB", "DIV"])
def test_a_constant_meets_a_map_by_its_last_axes(imported, op, shape):
    tensors = {"x": T((1, 3, 4, 5)), "c": const(RNG.uniform(0.5, 2, shape).astype(np.float32)), "y": T()}
    options = f"{op.capitalize()}Options"
    imported(tensors, [N(op, ["x", "c"], ["y"], options, {"FusedActivationFunction": 1})], ["x"], ["y"])


@pytest.mark.parametrize("shape", [(5,), (4, 5), (3, 1, 5)])
def test_a_tensor_meets_a_map_by_its_last_axes(imported, shape):
    tensors = {"x": T((1, 3, 4, 5)), "z": T(shape), "y": T()}
    imported(tensors, [N("ADD", ["x", "z"], ["y"], "AddOptions")], ["x", "z"], ["y"])


@pytest.mark.parametrize("activation", [0, 1, 2, 3])
def test_fused_activations(imported, activation):
    fields = {"FusedActivationFunction": activation}
    imported(
        {"x": T((1, 3, 4, 5)), "y": T()},
        [N("ADD", ["x", "x"], ["y"], "AddOptions", fields)],
        ["x"],
        ["y"],
        low=-5,
        high=5,
    )


@pytest.mark.parametrize("op", ["MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"])
def test_extremes_and_differences(imported, op):
    imported({"x": T((1, 3, 4, 5)), "z": T((1, 3, 4, 5)), "y": T()}, [N(op, ["x", "z"], ["y"])], ["x", "z"], ["y"])


def test_a_flattened_map_stays_as_it_is_and_the_weights_follow(imported):
    tensors = {"x": T((2, 3, 4, 5)), "s": const([2, 60]), "f": T(), "w": normal(7, 60), "b": normal(7), "y": T()}
    nodes = [N("RESHAPE", ["x", "s"], ["f"]), N("FULLY_CONNECTED", ["f", "w", "b"], ["y"], "FullyConnectedOptions")]
    model = imported(tensors, nodes, ["x"], ["y"])
    assert ops_of(model) == ["Reshape", "MatMul"]


def test_a_map_may_go_straight_into_a_fully_connected_layer(imported):
    tensors = {"x": T((2, 3, 4, 5)), "w": normal(7, 60), "y": T()}
    model = imported(tensors, [N("FULLY_CONNECTED", ["x", "w", ""], ["y"], "FullyConnectedOptions")], ["x"], ["y"])
    assert "Permute" not in ops_of(model)


def test_rows_of_a_map_stay_in_the_files_order(imported):
    tensors = {"x": T((1, 3, 4, 5)), "s": const([1, -1, 5]), "y": T()}
    model = imported(tensors, [N("RESHAPE", ["x", "s"], ["y"])], ["x"], ["y"])
    assert ops_of(model) == ["Permute", "Reshape"]


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("axes", [[1, 2], [3], [-1, 1], [0, 1, 2, 3]])
@pytest.mark.parametrize("op", ["MEAN", "SUM", "REDUCE_MAX"])
def test_reductions(imported, op, axes, keeps):
    tensors = {"x": T((1, 3, 4, 5)), "a": const(axes), "y": T()}
    imported(tensors, [N(op, ["x", "a"], ["y"], "ReducerOptions", {"KeepDims": keeps})], ["x"], ["y"])


@pytest.mark.parametrize("order", [[0, 3, 1, 2], [0, 2, 1, 3], [0, 1, 2, 3], [3, 2, 1, 0]])
def test_transpose(imported, order):
    model = imported(
        {"x": T((1, 3, 4, 5)), "p": const(order), "y": T()}, [N("TRANSPOSE", ["x", "p"], ["y"])], ["x"], ["y"]
    )
    if order == [0, 3, 1, 2]:
        assert "Permute" not in ops_of(model)


def test_transposes_around_a_convolution_fold_away(imported):
    """A convolution that a converter wrapped in transposes, because its source ran on [n, c, h, w]."""
    tensors = {
        "x": T((1, 3, 4, 5)),
        "to": const([0, 3, 1, 2]),
        "back": const([0, 2, 3, 1]),
        "t": T((1, 5, 3, 4)),
        "a": T((1, 3, 4, 5)),
        "w": normal(6, 1, 1, 5),
        "bias": normal(6),
        "b": T((1, 3, 4, 6)),
        "y": T((1, 6, 3, 4)),
    }
    nodes = [
        N("TRANSPOSE", ["x", "to"], ["t"]),
        N("TRANSPOSE", ["t", "back"], ["a"]),
        N("CONV_2D", ["a", "w", "bias"], ["b"], "Conv2DOptions", {"Padding": 1, "StrideH": 1, "StrideW": 1}),
        N("TRANSPOSE", ["b", "to"], ["y"]),
    ]
    model = imported(tensors, nodes, ["x"], ["y"])
    assert "Permute" not in ops_of(model)


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_concatenation_and_pad(imported, axis):
    tensors = {
        "x": T((1, 3, 4, 5)),
        "c": normal(1, 3, 4, 5),
        "a": T(),
        "p": const([[0, 0], [1, 2], [0, 1], [2, 0]]),
        "y": T(),
    }
    nodes = [N("CONCATENATION", ["x", "c"], ["a"], "ConcatenationOptions", {"Axis": axis}), N("PAD", ["a", "p"], ["y"])]
    imported(tensors, nodes, ["x"], ["y"])


@pytest.mark.parametrize("mode", [0, 1])
def test_mirror_pad(imported, mode):
    tensors = {"x": T((1, 3, 4, 5)), "p": const([[0, 0], [1, 2], [0, 1], [2, 0]]), "y": T()}
    imported(tensors, [N("MIRROR_PAD", ["x", "p"], ["y"], "MirrorPadOptions", {"Mode": mode})], ["x"], ["y"])


@pytest.mark.parametrize("fields", [{}, {"ShrinkAxisMask": 2}, {"ShrinkAxisMask": 8}, {"BeginMask": 4, "EndMask": 8}])
def test_strided_slice(imported, fields):
    tensors = {
        "x": T((1, 6, 4, 5)),
        "b": const([0, 1, 1, 2]),
        "e": const([1, 5, 3, 4]),
        "s": const([1, 2, 1, 1]),
        "y": T(),
    }
    imported(tensors, [N("STRIDED_SLICE", ["x", "b", "e", "s"], ["y"], "StridedSliceOptions", fields)], ["x"], ["y"])


def test_split_and_pack_and_unpack(imported):
    tensors = {"x": T((1, 4, 4, 6)), "axis": const(3), "a": T(), "b": T(), "c": T(), "d": T(), "e": T(), "y": T()}
    nodes = [
        N("SPLIT", ["axis", "x"], ["a", "b"], "SplitOptions", {"NumSplits": 2}),
        N("PACK", ["a", "b"], ["c"], "PackOptions", {"Axis": 1, "ValuesCount": 2}),
        N("UNPACK", ["c"], ["d", "e"], "UnpackOptions", {"Axis": 1, "Num": 2}),
        N("ADD", ["d", "e"], ["y"], "AddOptions"),
    ]
    imported(tensors, nodes, ["x"], ["y"])


@pytest.mark.parametrize(("indices", "axis"), [([1, 2], 3), ([2, 0], 1), (1, 2)])
def test_gather(imported, indices, axis):
    imported(
        {"x": T((1, 4, 4, 6)), "i": const(indices), "y": T()},
        [N("GATHER", ["x", "i"], ["y"], "GatherOptions", {"Axis": axis})],
        ["x"],
        ["y"],
    )


@pytest.mark.parametrize("size", [(8, 6), (7, 5), (2, 3)])
@pytest.mark.parametrize("fields", [{}, {"AlignCorners": True}, {"HalfPixelCenters": True}])
@pytest.mark.parametrize("op", ["RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"])
def test_resizes(imported, op, fields, size):
    options = "ResizeBilinearOptions" if op == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
    imported(
        {"x": T((1, 4, 3, 2)), "s": const(list(size)), "y": T()},
        [N(op, ["x", "s"], ["y"], options, fields)],
        ["x"],
        ["y"],
    )


@pytest.mark.parametrize("op", ["DEPTH_TO_SPACE", "SPACE_TO_DEPTH"])
def test_depth_and_space(imported, op):
    options = "DepthToSpaceOptions" if op == "DEPTH_TO_SPACE" else "SpaceToDepthOptions"
    imported({"x": T((1, 4, 6, 8)), "y": T()}, [N(op, ["x"], ["y"], options, {"BlockSize": 2})], ["x"], ["y"])


@pytest.mark.parametrize(("adj_x", "adj_y"), [(False, False), (False, True), (True, False)])
def test_batch_matmul(imported, adj_x, adj_y):
    tensors = {"x": T((2, 4, 3) if adj_x else (2, 3, 4)), "z": T((2, 5, 4) if adj_y else (2, 4, 5)), "y": T()}
    node = N("BATCH_MATMUL", ["x", "z"], ["y"], "BatchMatMulOptions", {"AdjX": adj_x, "AdjY": adj_y})
    imported(tensors, [node], ["x", "z"], ["y"])


def test_weights_of_16_bits_are_dequantized_at_import(imported):
    half = RNG.normal(size=(4, 1, 1, 3)).astype(np.float16)
    tensors = {"h": T(half.shape, "float16", half), "w": T(half.shape), "x": T((1, 3, 3, 3)), "b": normal(4), "y": T()}
    nodes = [
        N("DEQUANTIZE", ["h"], ["w"]),
        N("CONV_2D", ["x", "w", "b"], ["y"], "Conv2DOptions", {"Padding": 1, "StrideH": 1, "StrideW": 1}),
    ]
    assert ops_of(imported(tensors, nodes, ["x"], ["y"])) == ["Conv"]


def test_shapes_that_are_computed_become_constants(imported):
    tensors = {
        "x": T((2, 3, 4)),
        "shape": T((3,), "int32"),
        "b": const([1]),
        "e": const([2]),
        "one": const([1]),
        "n": T((), "int32"),
        "m": const(np.int32(-1)),
        "p": T((2,), "int32"),
        "y": T((8, 3)),
    }
    nodes = [
        N("SHAPE", ["x"], ["shape"], "ShapeOptions", {"OutType": 2}),
        N("STRIDED_SLICE", ["shape", "b", "e", "one"], ["n"], "StridedSliceOptions", {"ShrinkAxisMask": 1}),
        N("PACK", ["m", "n"], ["p"], "PackOptions", {"ValuesCount": 2}),
        N("RESHAPE", ["x", "p"], ["y"]),
    ]
    assert ops_of(imported(tensors, nodes, ["x"], ["y"])) == ["Reshape"]
