"""Text is read wherever it comes from, and what is wrong with it is said with its place."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tpuc_core.errors import TpucError
from tpuc_core.ir import Model, parse_text, print_text, tensor_type, top, tpu
from tpuc_core.ir.dialects.kinds import ArrayKind, EnumKind, FloatKind, IntegerKind, StringKind
from tpuc_core.ir.dialects.quant import CalibratedType, Range, Uniform, UniformType

SMALL = """module @net attributes {module.chip = "ALL", module.state = "TOP_F32", module.weight_file = "w.npz"} {
  func.func @main(%arg0: tensor<1x4xf32> loc(unknown)) -> tensor<1x4xf32> {
    %0 = "top.Input"(%arg0) {do_preprocess = false} : (tensor<1x4xf32>) -> tensor<1x4xf32> loc(#loc1)
    %1 = "top.LeakyRelu"(%0) {alpha = 0.5} : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("y")
    return %1 : tensor<1x4xf32> loc(unknown)
  } loc(unknown)
} loc(unknown)
#loc1 = loc("x")
"""


def test_defaults_are_filled_in():
    text = print_text(parse_text(SMALL))
    assert '{alpha = 5.000000e-01 : f64, round_mode = "HalfAwayFromZero"}' in text


def test_attributes_may_stand_in_any_order():
    shuffled = SMALL.replace("{alpha = 0.5}", '{round_mode = "HalfUp", alpha = 0.5}')
    assert '{alpha = 5.000000e-01 : f64, round_mode = "HalfUp"}' in print_text(parse_text(shuffled))


def test_generic_return_and_comments_are_read():
    text = SMALL.replace("return %1 : tensor<1x4xf32>", '"func.return"(%1) : (tensor<1x4xf32>) -> ()  // the end\n')
    assert "    return %1 : tensor<1x4xf32> loc(#loc)" in print_text(parse_text(text))


def test_unknown_attributes_are_kept():
    text = print_text(parse_text(SMALL.replace("{alpha = 0.5}", "{alpha = 0.5, extra = [1, 2]}")))
    assert "extra = [1, 2]" in text


def test_aliases_may_refer_to_later_ones():
    split = SMALL.replace('loc("y")', "loc(#loc2)") + '#loc2 = loc(fused[#loc3])\n#loc3 = loc("z")\n'
    assert 'loc("z")' in print_text(parse_text(split))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"top.LeakyRelu"', '"top.LeakyReluu"', r'net.mlir:4:11: there is no op "top.LeakyReluu"; did you mean "top.LeakyRelu"'),
        ("(%0) {alpha", "(%7) {alpha", r"net.mlir.*%7"),
        ("alpha = 0.5", "alpha = 0.5, alpha = 0.5", r"net.mlir:4:\d+: duplicate key 'alpha'"),
        ("loc(#loc1)", "loc(#loc9)", r"net.mlir:3:\d+: .*#loc9"),
        ("{alpha = 0.5}", "<{alpha = 0.5}>", r"net.mlir:4:\d+: properties"),
        ("tensor<1x4xf32>) -> tensor<1x4xf32> loc(\"y\")", "tensor<1x", r"net.mlir:5:5: "),
        ("return %1", "retrun %1", r'net.mlir:5:5: there is no op "retrun"; did you mean "return"'),
    ],
)
def test_damaged_text_is_reported_with_its_place(old, new, message):
    with pytest.raises(TpucError, match=message):
        parse_text(SMALL.replace(old, new), "net.mlir")


@pytest.mark.parametrize("text", ["", "hello", "\x00\x01", "module {", "#loc = loc(unknown)\n", '{"a": 1}', "%0 = "])
def test_what_is_no_module_is_one_sentence(text):
    with pytest.raises(TpucError, match=r"no.mlir"):
        parse_text(text, "no.mlir")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_cut_or_overwritten_text_never_raises_anything_else(data):
    position = data.draw(st.integers(0, len(SMALL) - 1))
    replacement = data.draw(st.sampled_from(["", "<", ">", "#", '"', "0x", "tensor<", "!quant.uniform<", "%1", "\n", "é"]))
    damaged = SMALL[:position] + replacement + SMALL[position + data.draw(st.integers(0, 40)) :]
    try:
        parse_text(damaged)
    except TpucError as error:
        assert str(error)


def test_unknown_case_of_an_enumeration_lists_the_cases():
    text = SMALL.replace('"top.LeakyRelu"(%0) {alpha = 0.5}', '"tpu.Cast"(%0) {round_mode = #tpu<round_mode HalfUpp>}')
    with pytest.raises(TpucError, match=r'unknown round_mode "HalfUpp".*did you mean "HalfUp"'):
        parse_text(text, "net.mlir")


# Random modules

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)
FLOATS = st.floats(allow_nan=False)
SHAPES = st.lists(st.integers(1, 2000), max_size=5)
UNIFORMS = st.builds(
    Uniform,
    st.sampled_from(["i8", "u8", "i16", "i32"]),
    st.tuples(st.floats(1e-30, 1e30)),
    st.tuples(st.integers(-128, 255)),
    limits=st.none() | st.just((-127, 127)),
)
ELEMENTS = st.one_of(
    st.sampled_from(["f32", "f16", "bf16", "i8", "si8", "ui8", "i32", "si32", "i64"]),
    st.builds(UniformType, UNIFORMS),
    st.builds(lambda a, b: CalibratedType(Range(a, b)), st.floats(-1e30, 0), st.floats(0, 1e30)),
)
TYPES = st.builds(tensor_type, st.none() | SHAPES, ELEMENTS) | st.builds(
    lambda shape, address: tensor_type(shape, "f32", address=address), SHAPES, st.integers(2**32, 2**33)
)


def values_of(kind):
    """Python values for an attribute of a kind."""
    match kind:
        case IntegerKind():
            width = kind.type.width.data
            return st.booleans() if width == 1 else st.integers(0 if kind.text == "ui32" else -(2 ** (width - 1)), 2 ** (width - 1) - 1)
        case FloatKind():
            return st.floats(width=32 if kind.text == "f32" else 64, allow_nan=False)
        case StringKind():
            return st.sampled_from(kind.cases) if kind.cases else NAMES
        case EnumKind():
            return st.sampled_from(kind.attribute_class.cases)
        case ArrayKind() if isinstance(kind.element, IntegerKind | FloatKind):
            return st.lists(values_of(kind.element), max_size=4)
    return st.none()


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_printed_modules_read_back_equal(data):
    model = Model.new("net", "ONNX", [data.draw(TYPES)])
    block = model.main.body.block
    values = list(block.args)
    tables = random.Random(data.draw(st.integers(0, 2**16))).choices([top.OPS, tpu.OPS], k=data.draw(st.integers(1, 4)))
    for table in tables:
        kind = table.find(data.draw(st.sampled_from(table.names())))
        if kind.get_irdl_definition().regions or kind.name.endswith("Yield"):
            continue
        attributes = {name: data.draw(values_of(k)) for name, k in kind.kinds().items()}
        operands = [data.draw(st.sampled_from(values)) for _ in kind.get_irdl_definition().operands]
        results = [data.draw(TYPES) for _ in kind.get_irdl_definition().results]
        op = kind.create(operands=operands, result_types=results, attributes=dict(kind.defaults()))
        op.location = kind.make([data.draw(NAMES) for _ in results] or "x", [], []).location
        block.add_op(op.set(**attributes))
        values += op.results
    model.set_outputs(values[-1:])
    text = print_text(model.module)
    again = parse_text(text)
    assert again.is_structurally_equivalent(model.module)
    assert print_text(again) == text
