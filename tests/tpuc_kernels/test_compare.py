"""Compare and select: against numpy, plain C against SIMD, edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_elements import f32, integers
from tpuc_kernels import compare

property_test = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
seeds = st.integers(0, 2**32 - 1)
KINDS = (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32)
NUMPY = {"gt": np.greater, "eq": np.equal, "lt": np.less}


@property_test
@given(seeds)
def test_integers_are_compared_by_value_whatever_their_kinds(every_path, seed):
    rng = np.random.default_rng(seed)
    a, b = (integers(rng, shape, KINDS[rng.integers(6)]) for shape in ((2, 3, 5, 9), (1, 3, 1, 1)))
    yes, no = (integers(rng, (2, 3, 5, 9), KINDS[seed % 6]) for _ in range(2))
    for condition, function in NUMPY.items():
        y = every_path(lambda condition=condition: compare.select(condition, a, b, yes, no))
        assert np.array_equal(y, np.where(function(a.astype(np.int64), b.astype(np.int64)), yes, no))


@property_test
@given(seeds)
def test_paths_agree_on_any_floats(every_path, seed):
    rng = np.random.default_rng(seed)
    a, b = (f32(rng, (2, 3, 5, 40)) for _ in range(2))
    halves = [rng.integers(0, 1 << 16, (2, 300)).astype(np.uint16) for _ in range(2)]
    for condition in NUMPY:
        for x, y, bf16 in ((a, b, False), (*(h.view(np.float16) for h in halves), False), (*halves, True)):
            every_path(lambda: compare.select(condition, x, y, x, y, bf16=bf16, flushes=True))  # noqa: B023


def bits(value: int) -> np.ndarray:
    return np.array([value], np.uint32).view(np.float32)


@pytest.mark.parametrize(
    ("condition", "a", "b", "holds"),
    [
        ("eq", 0x00000000, 0x80000000, False),
        ("eq", 0x7FC00001, 0x7FC00001, True),
        ("gt", 0x7FC00001, 0x3F800000, False),
        ("lt", 0x7FC00001, 0x3F800000, True),
        ("lt", 0x7FC00001, 0x7FC00001, False),
        ("lt", 0x80000000, 0x00000000, False),
        ("gt", 0x00000001, 0x00000000, False),
        ("lt", 0x80000001, 0x3F800000, True),
    ],
)
def test_edges_of_f32(condition, a, b, holds):
    assert compare.select(condition, bits(a), bits(b), np.array([1], np.int8), np.array([0], np.int8)).tolist() == [
        int(holds)
    ]


def test_what_is_chosen_is_flushed_only_on_demand():
    a, b = bits(0x80000001), bits(0xBF800000)
    assert compare.select("gt", a, b, a, b).view(np.uint32).tolist() == [0x80000001]
    assert compare.select("gt", a, b, a, b, flushes=True).view(np.uint32).tolist() == [0x80000000]


def test_wrong_calls_say_what_is_wrong():
    x = np.ones(3, np.float32)
    with pytest.raises(ValueError, match='condition "ge": gt, eq or lt'):
        compare.select("ge", x, x, x, x)
    with pytest.raises(ValueError, match="cannot be compared"):
        compare.select("gt", x, x.astype(np.int8), x, x)
    with pytest.raises(ValueError, match="one dtype would be right"):
        compare.select("gt", x, x, x, x.astype(np.int8))
