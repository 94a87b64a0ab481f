"""Floats are written as MLIR writes them, to the last digit."""

import math
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpuc_core.ir.floats import float_from_bits, float_text

VECTORS = [line.split() for line in (Path(__file__).parent / "data/float_vectors.txt").read_text().splitlines()[1:]]


@pytest.mark.parametrize("width", [32, 64])
def test_texts_are_those_of_the_vendor(width):
    vectors = [(bits, text) for bits, text in VECTORS if len(bits) == width // 4]
    assert len(vectors) > 300
    wrong = [(bits, text) for bits, text in vectors if float_text(float_from_bits(bits, width), width) != text]
    assert wrong == []


def test_reciprocal_of_127_ends_as_a_truncating_division_makes_it():
    assert float_text(1 / 127) == "0.0078740157480314959"


def test_negative_zero_keeps_its_sign():
    assert float_text(-0.0) == "-0.000000e+00"


@given(st.floats(width=64, allow_nan=False, allow_infinity=False))
def test_a_finite_f64_reads_back_as_itself(value):
    text = float_text(value)
    read = float_from_bits(text) if text.startswith("0x") else float(text)
    assert struct.pack(">d", read) == struct.pack(">d", value)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_finite_f32_reads_back_as_itself(value):
    text = float_text(value, 32)
    read = float_from_bits(text, 32) if text.startswith("0x") else float(text)
    assert struct.pack(">f", read) == struct.pack(">f", value)


def test_what_is_no_number_is_written_as_its_bits():
    assert float_text(math.inf) == "0x7FF0000000000000"
    assert float_text(-math.inf, 32) == "0xFF800000"
    assert math.isnan(float_from_bits(float_text(math.nan)))
