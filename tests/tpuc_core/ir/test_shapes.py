"""Shapes are inferred, padding rules resolved, and models that are not whole refused."""

import numpy as np
import pytest
from xdsl.dialects.builtin import UnrankedTensorType
from xdsl.rewriter import Rewriter

from tpuc_core.errors import TpucError
from tpuc_core.ir import infer_shapes, is_none, load_model, print_text, problems, shape_of, tensor_type, top, verify


@pytest.mark.parametrize("name", ["cnn", "det", "tfm"])
def test_shapes_of_vendor_files_are_found_again(data, name):
    model = load_model(data / f"{name}.mlir")
    verify(model)
    text = print_text(model.module)
    for op in model.ops():
        for value in op.results:
            if not is_none(value):
                Rewriter.replace_value_with_new_type(value, UnrankedTensorType(value.type.element_type))
    infer_shapes(model)
    assert print_text(model.module) == text


WINDOW = {"kernel_shape": [3, 3], "strides": [2, 2]}
CASES = [
    (top.MaxPoolOp, [(1, 4, 8, 8)], {**WINDOW, "pads": [0, 0, 0, 0]}, (1, 4, 3, 3)),
    (top.MaxPoolOp, [(1, 4, 8, 8)], {**WINDOW, "pads": [0, 0, 0, 0], "ceil_mode": True}, (1, 4, 4, 4)),
    (top.MaxPoolOp, [(1, 4, 7, 8)], {**WINDOW, "pads": [], "auto_pad": "SAME_UPPER"}, (1, 4, 4, 4)),
    (top.AvgPoolOp, [(1, 4, 7, 9)], {"kernel_shape": [], "strides": [], "pads": []}, (1, 4, 1, 1)),
    (top.AvgPoolOp, [(1, 4, 6)], {"kernel_shape": [2], "strides": [2], "pads": [0, 0]}, (1, 4, 3)),
    (top.AddOp, [(2, 1, 4), (3, 1)], {}, (2, 3, 4)),
    (top.ConcatOp, [(1, 2, 4), (1, 3, 4)], {"axis": -2}, (1, 5, 4)),
    (top.PermuteOp, [(1, 2, 3)], {"order": [2, 0, 1]}, (3, 1, 2)),
    (top.ReshapeOp, [(2, 3, 4)], {"shape": [0, -1]}, (2, 12)),
    (top.FlattenOp, [(2, 3, 4, 5)], {"start_dim": 1, "end_dim": 2}, (2, 12, 5)),
    (top.SqueezeOp, [(1, 3, 1)], {"axes": [-1]}, (1, 3)),
    (top.UnsqueezeOp, [(2, 3)], {"axes": [0, -1]}, (1, 2, 3, 1)),
    (top.ReduceOp, [(2, 3, 4)], {"axes": [-1], "keepdims": False, "mode": "ReduceSum"}, (2, 3)),
    (top.ReduceOp, [(2, 3)], {"axes": [0, 1], "keepdims": False, "mode": "ReduceSum"}, (1,)),
    (top.TileOp, [(2, 3)], {"tile": [2, 1]}, (4, 3)),
    (top.ExpandOp, [(3, 1)], {"shape": [2, 1, 4]}, (2, 3, 4)),
    (top.PadOp, [(1, 2, 4)], {"mode": "edge", "paddings": [0, 0, 1, 0, 0, 2]}, (1, 2, 7)),
    (top.UpsampleOp, [(1, 2, 4, 5)], {"scale_h": 2, "scale_w": 3}, (1, 2, 8, 15)),
    (top.Depth2SpaceOp, [(1, 8, 2, 3)], {"block_h": 2, "block_w": 2, "is_CRD": False, "is_inversed": False}, (1, 2, 4, 6)),
    (top.GatherOp, [(5, 4), (2, 3)], {"axis": 0}, (2, 3, 4)),
    (top.SoftmaxOp, [(1, 4)], {"axis": -1}, (1, 4)),
    (top.CompareOp, [(1, 4), (3, 1)], {"mode": "Less"}, (3, 4)),
]


@pytest.mark.parametrize(("kind", "shapes", "attributes", "wanted"), CASES)
def test_result_shape(build, kind, shapes, attributes, wanted):
    builder = build(*shapes)
    model = builder.finish(builder.add(kind, "y", builder.inputs, **attributes))
    infer_shapes(model)
    assert shape_of(model.outputs[0]) == wanted
    verify(model)


@pytest.mark.parametrize(
    ("rule", "pads"), [("SAME_UPPER", [0, 0, 1, 1]), ("SAME_LOWER", [1, 1, 0, 0]), ("VALID", [0, 0, 0, 0])]
)
def test_auto_pad_becomes_pads(build, rule, pads):
    builder = build((1, 3, 8, 8))
    kernel = builder.weight("w", np.zeros((4, 3, 3, 3)))
    operands = [builder.inputs[0], kernel, builder.none()]
    model = builder.finish(builder.add(top.ConvOp, "y", operands, **WINDOW, pads=[0, 0, 0, 0], auto_pad=rule))
    infer_shapes(model)
    conv = model.ops()[0]
    assert (conv.get("pads"), conv.get("auto_pad")) == (pads, None)


def test_ceil_mode_grows_the_pads_at_the_end(build):
    builder = build((1, 4, 8, 8))
    model = builder.finish(builder.add(top.MaxPoolOp, "y", builder.inputs, **WINDOW, pads=[0, 0, 0, 0], ceil_mode=True))
    infer_shapes(model)
    assert (model.ops()[0].get("pads"), model.ops()[0].get("ceil_mode")) == ([0, 0, 1, 1], None)


def test_slice_is_spread_over_all_dimensions(build):
    builder = build((2, 4, 8))
    none = builder.none()
    attributes = {"offset": [1, -3], "ends": [3, 2**63 - 1], "steps": [1, 2], "axes": [1, -1]}
    model = builder.finish(builder.add(top.SliceOp, "y", [builder.inputs[0], none, none, none], **attributes))
    infer_shapes(model)
    op = model.ops()[0]
    assert shape_of(op.results[0]) == (2, 2, 2)
    assert (op.get("offset"), op.get("ends"), op.get("axes")) == ([0, 1, -3], [2, 3, 2**63 - 1], [])


def test_deconvolution_is_the_inverse_of_a_convolution_in_size(build):
    builder = build((1, 4, 5, 5))
    kernel = builder.weight("w", np.zeros((6, 4, 3, 3)))
    operands = [builder.inputs[0], kernel, builder.none()]
    extra = {"pads": [1, 1, 1, 1], "output_padding": [1, 1]}
    model = builder.finish(builder.add(top.DeconvOp, "y", operands, **WINDOW, **extra))
    infer_shapes(model)
    assert shape_of(model.outputs[0]) == (1, 6, 10, 10)


@pytest.mark.parametrize(
    ("left", "right", "attributes", "wanted"),
    [
        ((2, 3, 8), (8, 5), {}, (2, 3, 5)),
        ((2, 3, 8), (2, 5, 8), {"right_transpose": True}, (2, 3, 5)),
        ((8,), (8, 5), {}, (5,)),
        ((4, 1, 3, 8), (2, 8, 5), {}, (4, 2, 3, 5)),
        ((1, 7, 2, 8), (1, 9, 2, 8), {"hdim_is_batch": True, "right_transpose": True}, (1, 7, 2, 9)),
    ],
)
def test_matrix_products(build, left, right, attributes, wanted):
    builder = build(left, right)
    model = builder.finish(builder.add(top.MatMulOp, "y", [*builder.inputs, builder.none()], **attributes))
    infer_shapes(model)
    assert shape_of(model.outputs[0]) == wanted


@pytest.mark.parametrize(
    ("kind", "shapes", "attributes", "message"),
    [
        (top.AddOp, [(2, 3), (4, 3)], {}, r'top.Add "y": shapes \[2, 3\] and \[4, 3\] do not broadcast'),
        (top.ConcatOp, [(1, 2), (2, 2)], {"axis": 1}, 'top.Concat "y": .*does not fit behind'),
        (top.PermuteOp, [(1, 2)], {"order": [0, 0]}, 'top.Permute "y": .*does not order'),
        (top.ReshapeOp, [(1, 5)], {"shape": [2, -1]}, 'top.Reshape "y": .*does not have the elements'),
        (top.SoftmaxOp, [(1, 5)], {"axis": 2}, 'top.Softmax "y": axis 2 is outside'),
        (top.MaxPoolOp, [(1, 1, 2, 2)], {**WINDOW, "pads": [0, 0, 0, 0]}, 'top.MaxPool "y": a window of'),
        (top.NonZeroOp, [(1, 5)], {"order": "RowMajor"}, 'top.NonZero "y": no rule'),
    ],
)
def test_operands_that_do_not_fit_are_named(build, kind, shapes, attributes, message):
    builder = build(*shapes)
    model = builder.finish(builder.add(kind, "y", builder.inputs, **attributes))
    with pytest.raises(TpucError, match=message):
        infer_shapes(model)


def test_what_is_wrong_with_a_model_is_listed_whole(build):
    builder = build((1, 4))
    builder.add(top.LeakyReluOp, "a", builder.inputs, tensor_type((1, 4)))
    builder.add(top.AbsOp, "b", builder.inputs, tensor_type((1, 5)))
    last = builder.add(top.AbsOp, "b", builder.inputs, tensor_type((1, 4)))
    del builder.model.weights[builder.weight("w", [1.0]).owner.label]
    model = builder.finish(last)
    assert [str(problem) for problem in problems(model)] == [
        "top.LeakyRelu \"a\": attribute 'alpha' expected in operation 'top.LeakyRelu'",
        'top.Abs "b": its result has shape [1, 5] where [1, 4] is right',
        'top.Abs "b": the name "b" is that of a top.Abs already',
        'weight "w" is missing from "the weights"',
    ]
