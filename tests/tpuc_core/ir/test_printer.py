"""The printed text is that of the vendor's tools, byte for byte."""

import re
import shutil

import pytest

from tpuc_core.ir import load_model, name_location, parse_text, print_text, save_model, tensor_type, top

FILES = [
    "cnn",
    "cnn_origin",
    "cnn_int8_sym_calibrated",
    "cnn_int8_sym_1lowered",
    "cnn_f16_1lowered",
    "cnn_int8_asym_4divided",
    "cnn_int8_sym_6final",
    "det",
    "det_int8_asym_1lowered",
    "tfm",
    "tfm_int8_sym_6final",
]


@pytest.mark.parametrize("name", FILES)
def test_vendor_file_prints_back_byte_identical(data, name):
    text = (data / f"{name}.mlir").read_text()
    assert print_text(parse_text(text, name)).rstrip("\n") == text.rstrip("\n")


@pytest.mark.vendor
@pytest.mark.parametrize("name", ["cnn", "det", "tfm", "cnn_int8_sym_1lowered"])
def test_vendor_accepts_our_text_unchanged(data, tmp_path, vendor_opt, name):
    shutil.copy(data / "cnn_int8_sym_1lowered_weights.npz", tmp_path)
    model = load_model(data / f"{name}.mlir")
    model.set_attribute("note", "\"quoted\" and \\ back, tab\tand é")
    save_model(model, tmp_path / "ours.mlir")
    answer = vendor_opt(tmp_path, "ours.mlir")
    ours = (tmp_path / "ours.mlir").read_text()
    assert _without_weight_file(answer) == _without_weight_file(ours)


@pytest.mark.vendor
def test_vendor_accepts_a_model_that_we_built(build, tmp_path, vendor_opt):
    builder = build((1, 4, 6, 6))
    parts = builder.add(top.SplitOp, ["a", "b"], builder.inputs, [tensor_type((1, 2, 6, 6))] * 2, axis=1, num=2)
    total = builder.add(top.AddOp, "c", parts, tensor_type((1, 2, 6, 6)), do_relu=True, relu_limit=1 / 3)
    place, _ = builder.add(
        top.ArgOp, ["d", "e"], [total], [tensor_type((1, 1, 6, 6))] * 2, axis=1, keepdims=True, mode="ArgMax"
    )
    save_model(builder.finish(place, parts[0]), tmp_path / "ours.mlir")
    answer = vendor_opt(tmp_path, "ours.mlir")
    assert _without_weight_file(answer) == _without_weight_file((tmp_path / "ours.mlir").read_text())


def test_results_with_names_of_their_own_take_no_number(build):
    builder = build((1, 4))
    value, place = builder.add(top.TopKOp, ["v", "i"], builder.inputs, [tensor_type((1, 2))] * 2, axis=1, K=2)
    builder.add(top.AddOp, "sum", [value, place], tensor_type((1, 2)))
    text = print_text(builder.finish(value).module)
    assert '%values, %indices = "top.TopK"(%0)' in text
    assert '%1 = "top.Add"(%values, %indices)' in text


def test_names_that_are_taken_are_counted_together(build):
    builder = build((1, 4))
    for step in range(2):
        value, _ = builder.add(top.TopKOp, [f"v{step}", f"i{step}"], builder.inputs, [tensor_type((1, 2))] * 2, axis=1, K=2)
    assert '%values_0, %indices_1 = "top.TopK"(%0)' in print_text(builder.finish(value).module)


def test_several_results_share_a_number(build):
    builder = build((1, 4))
    parts = builder.add(top.SplitOp, ["a", "b"], builder.inputs, [tensor_type((1, 2))] * 2, axis=1, num=2)
    text = print_text(builder.finish(*parts).module)
    assert '%1:2 = "top.Split"(%0)' in text
    assert "return %1#0, %1#1 : tensor<1x2xf32>, tensor<1x2xf32>" in text


def test_fused_locations_come_after_plain_ones(build):
    builder = build((1, 4))
    parts = builder.add(top.SplitOp, ["a", "b"], builder.inputs, [tensor_type((1, 2))] * 2, axis=1, num=2)
    builder.add(top.AbsOp, "last", [parts[0]], tensor_type((1, 2)))
    lines = print_text(builder.finish(*parts).module).splitlines()
    assert lines[-5:] == [
        '#loc1 = loc("in0")',
        '#loc2 = loc("a")',
        '#loc3 = loc("b")',
        '#loc4 = loc("last")',
        "#loc5 = loc(fused[#loc2, #loc3])",
    ]


def test_location_of_an_argument_is_defined_before_the_module(build):
    builder = build((1, 4))
    builder.block.args[0].location = name_location("x")
    lines = print_text(builder.finish(*builder.inputs).module).splitlines()
    assert lines[0] == '#loc1 = loc("x")'
    assert '%arg0: tensor<1x4xf32> loc("x")' in lines[2]


def _without_weight_file(text: str) -> str:
    return re.sub(r'module.weight_file = "[^"]*"', "", text).rstrip("\n")
