"""Element-wise arithmetic: against Python's integers and numpy's floats, plain C against SIMD, two threads, edges."""

from __future__ import annotations

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from exact import each, rounded, saturated, wrapped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_elements import f32, integers
from tpuc_kernels import elementwise

property_test = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
seeds = st.integers(0, 2**32 - 1)
INTEGERS = (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32)
EXACT = {"mul": lambda a, b: a * b, "add": lambda a, b: a + b, "sub": lambda a, b: a - b}
SHAPES = [
    ((2, 5, 3, 7), (2, 5, 3, 7)),
    ((2, 5, 3, 7), (1, 5, 1, 1)),
    ((1, 70, 1, 1), (3, 1, 4, 1)),
    ((700,), ()),
    ((), (3, 600)),
    ((1, 3, 24, 24), (24,)),
]


def random_integers(seed: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray, type]:
    rng = np.random.default_rng(seed)
    shapes = SHAPES[seed % len(SHAPES)]
    a, b = (np.asarray(integers(rng, shape, INTEGERS[rng.integers(6)])) for shape in shapes)
    return rng, a, b, INTEGERS[rng.integers(6)]


@property_test
@given(seeds)
def test_integer_arithmetic_is_exact_then_wrapped(every_path, seed):
    _, a, b, dtype = random_integers(seed)
    for name, exact in EXACT.items():
        y = every_path(lambda name=name: elementwise.binary(name, a, b, dtype))
        assert y.dtype == dtype and np.array_equal(y, wrapped(np.asarray(each(exact, a, b)), dtype)), name


@property_test
@given(seeds)
def test_saturating_arithmetic_is_exact_then_shifted_rounded_and_saturated(every_path, seed):
    rng, a, b, dtype = random_integers(seed)
    shift, mode = int(rng.integers(-60, 20)), int(rng.integers(0, 7))
    for name in EXACT:
        exact = np.asarray(each(EXACT[name], a, b))
        y = every_path(lambda name=name: elementwise.binary(name + "s", a, b, dtype))
        assert np.array_equal(y, saturated(exact, dtype)), name
        y = every_path(lambda name=name: elementwise.binary(name + "s", a, b, dtype, shift=shift, rounding=mode))
        assert np.array_equal(
            y, saturated(np.asarray(each(lambda v: rounded(v * Fraction(2) ** shift, mode), exact)), dtype)
        ), name


@property_test
@given(seeds)
def test_shifts_go_left_where_positive_and_right_with_rounding_where_negative(every_path, seed):
    rng, a, _, dtype = random_integers(seed)
    amount, mode = integers(rng, a.shape, np.int8), int(rng.integers(0, 7))
    y = every_path(lambda: elementwise.binary("shift_arith", a, amount, dtype, rounding=mode))
    shifted = each(lambda v, k: v << (k & 31) if k >= 0 else rounded(Fraction(v, 1 << -k), mode), a, amount)
    assert np.array_equal(y, wrapped(np.asarray(shifted), dtype))


@property_test
@given(seeds)
def test_shifts_differ_by_channel(every_path, seed):
    rng = np.random.default_rng(seed)
    a, b = (integers(rng, (2, 5, 3, 4), np.int16) for _ in range(2))
    shift = rng.integers(-12, 3, 5).astype(np.int8)
    y = every_path(lambda: elementwise.binary("adds", a, b, np.int8, shift=shift, rounding=1))
    exact = each(lambda v, k: rounded(v * Fraction(2) ** k, 1), a.astype(int) + b, shift.reshape(1, 5, 1, 1))
    assert np.array_equal(y, saturated(exact, np.int8))


@property_test
@given(seeds)
def test_floats_of_ordinary_size_equal_those_of_numpy(every_path, seed):
    rng = np.random.default_rng(seed)
    a, b = (np.asarray(rng.standard_normal(shape), np.float32) for shape in SHAPES[seed % len(SHAPES)])
    for name, function in (
        ("mul", np.multiply),
        ("add", np.add),
        ("sub", np.subtract),
        ("max", np.maximum),
        ("min", np.minimum),
    ):
        assert np.array_equal(every_path(lambda name=name: elementwise.binary(name, a, b)), function(a, b)), name


@property_test
@given(seeds)
def test_paths_agree_on_any_bits(every_path, seed):
    rng = np.random.default_rng(seed)
    shapes = SHAPES[seed % len(SHAPES)]
    wide = [np.asarray(f32(rng, shape)) for shape in shapes]
    halves = [np.asarray(rng.integers(0, 1 << 16, shape).astype(np.uint16)) for shape in shapes]
    for a, b, bf16 in ((*wide, False), (*(h.view(np.float16) for h in halves), False), (*halves, True)):
        for name in ("mul", "add", "sub", "max", "min", "fsubabs", "select_gt", "select_lt", "select_eq"):
            every_path(lambda: elementwise.binary(name, a, b, value=a.dtype.type(1), bf16=bf16))  # noqa: B023
        for mode in range(7):
            every_path(lambda: elementwise.cast(a, "bf16" if bf16 else a.dtype, mode, bf16=bf16))  # noqa: B023
        for mode in range(5):
            every_path(lambda: elementwise.cast(a, INTEGERS[seed % 6], mode, bf16=bf16))  # noqa: B023
    every_path(lambda: elementwise.binary("div", *wide, rounding=seed % 4))


def test_two_threads_share_a_large_array(every_path):
    rng = np.random.default_rng(1)
    a, b = (rng.standard_normal((2, 64, 50, 60)).astype(np.float32) for _ in range(2))
    assert np.array_equal(every_path(lambda: elementwise.binary("add", a, b)), a + b)
    c = rng.standard_normal((1, 64, 1, 1)).astype(np.float32)
    assert np.array_equal(every_path(lambda: elementwise.binary("mul", a, c)), a * c)
    assert np.array_equal(
        every_path(lambda: elementwise.binary("add", a[0, 0, 0, 0], np.repeat(c.ravel(), 5000))),
        a[0, 0, 0, 0] + np.repeat(c.ravel(), 5000),
    )


def bits(*values: int) -> np.ndarray:
    return np.array(values, np.uint32).view(np.float32)


EDGES = {  # a, b, bits of the result
    "of two NaNs the first one passes, made quiet": ("add", 0x7F800001, 0xFFC12345, 0x7FC00001),
    "a NaN in second place passes": ("mul", 0x3F800000, 0xFF800003, 0xFFC00003),
    "a new NaN is negative": ("sub", 0x7F800000, 0x7F800000, 0xFFC00000),
    "a denormal operand is zero": ("add", 0x007FFFFF, 0x80000001, 0x00000000),
    "a denormal product is a zero of its sign": ("mul", 0x80800000, 0x3F000000, 0x80000000),
    "max takes the second of a NaN and a number": ("max", 0x7FC00000, 0x3F800000, 0x3F800000),
    "max takes the second of equal zeros": ("max", 0x00000000, 0x80000000, 0x80000000),
    "min takes the first beside a NaN": ("min", 0x3F800000, 0x7FC00000, 0x3F800000),
    "a denormal maximum is a zero of its sign": ("max", 0x80000001, 0xBF800000, 0x80000000),
    "x / infinity is infinity": ("div", 0x3F800000, 0x7F800000, 0x7F800000),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges_of_f32(every_path, name):
    operation, a, b, expected = EDGES[name]
    y = every_path(lambda: elementwise.binary(operation, np.tile(bits(a), 19), bits(b)[0], rounding=2))
    assert set(y.view(np.uint32).tolist()) == {expected}


@pytest.mark.parametrize(
    ("a", "b", "expected"), [(0x3CD6, 0x0319, 0x0080), (0xBCD6, 0x0319, 0x8080), (0x3F7F, 0x0080, 0)]
)
def test_a_bf16_product_is_rounded_before_it_counts_as_denormal(every_path, a, b, expected):
    x, y = np.full(21, a, np.uint16), np.full(21, b, np.uint16)
    assert set(every_path(lambda: elementwise.binary("mul", x, y, bf16=True)).tolist()) == {expected}


def test_every_f16_widens_as_in_numpy(every_path):
    halves = np.arange(1 << 16).astype(np.uint16).view(np.float16)
    y = every_path(lambda: elementwise.cast(halves, np.float32))
    expected = halves.astype(np.float32)
    assert np.array_equal(y, expected, equal_nan=True)
    assert set(y[np.isnan(y)].view(np.uint32).tolist()) == {0x7FFFFFFF, 0xFFFFFFFF}


@property_test
@given(seeds)
def test_narrowing_rounds_as_numpy_and_ml_dtypes_do(every_path, seed):
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal(999) * 2.0 ** rng.integers(-28, 18, 999)).astype(np.float32)
    with np.errstate(over="ignore"):
        assert np.array_equal(every_path(lambda: elementwise.cast(x, np.float16)), x.astype(np.float16))
    y = every_path(lambda: elementwise.cast(x, "bf16"))
    assert np.array_equal(y.view(ml_dtypes.bfloat16), x.astype(ml_dtypes.bfloat16))
    assert np.array_equal(elementwise.cast(y, np.float32, bf16=True), x.astype(ml_dtypes.bfloat16).astype(np.float32))


@property_test
@given(seeds)
def test_casts_to_integers_round_by_mode_and_saturate(every_path, seed):
    rng = np.random.default_rng(seed)
    x = np.round(rng.standard_normal(300) * 2.0 ** rng.integers(-2, 36, 300)).astype(np.float32) / 4
    for mode in range(5):
        exact = np.array([rounded(Fraction(float(v)), mode) for v in x], object)
        for dtype in INTEGERS:
            y = every_path(lambda dtype=dtype, mode=mode: elementwise.cast(x, dtype, mode))
            assert np.array_equal(y, saturated(exact, dtype))
    for mode in range(7):
        y = every_path(lambda mode=mode: elementwise.cast(x, np.float32, mode))
        assert y.tolist() == [float(rounded(Fraction(float(v)), mode)) for v in x]


def test_casts_of_what_is_no_number(every_path):
    x = bits(0x7FC00000, 0x7F800000, 0xFF800000, 0x00000001, 0x80000001)
    assert every_path(lambda: elementwise.cast(x, np.int8, 4)).tolist() == [0, 127, -128, 1, 0]
    assert every_path(lambda: elementwise.cast(x, np.uint8, 3)).tolist() == [0, 255, 0, 0, 0]
    assert [hex(v) for v in every_path(lambda: elementwise.cast(x, np.float16)).view(np.uint16).tolist()] == [
        "0x7fff",
        "0x7c00",
        "0xfc00",
        "0x0",
        "0x8000",
    ]


@property_test
@given(seeds)
def test_integers_become_the_nearest_floats(every_path, seed):
    rng = np.random.default_rng(seed)
    for dtype in INTEGERS:
        x = integers(rng, (333,), dtype)
        assert np.array_equal(every_path(lambda x=x: elementwise.cast(x, np.float32)), x.astype(np.float32))
        y = every_path(lambda x=x: elementwise.cast(x, "bf16"))
        exact = np.abs(x.astype(float))
        assert (np.abs(np.abs(y.view(ml_dtypes.bfloat16).astype(float)) - exact) <= exact * 2.0**-8).all()


def test_unary_operations(every_path):
    x = np.array([-128, -1, 0, 1, 127], np.int8)
    assert every_path(lambda: elementwise.unary("abs", x)).tolist() == [-128, 1, 0, 1, 127]
    assert every_path(lambda: elementwise.unary("not", x)).tolist() == [127, 0, -1, -2, -128]
    assert every_path(lambda: elementwise.unary("first_one", x)).tolist() == [0, 0, 8, 7, 1]
    assert every_path(lambda: elementwise.unary("first_zero", x)).tolist() == [1, 8, 0, 0, 0]
    assert every_path(lambda: elementwise.unary("abs", bits(0xFFC00001, 0x80000001))).view(np.uint32).tolist() == [
        0x7FC00001,
        1,
    ]


def test_mac_keeps_the_old_result_shifted():
    old, a, b = (np.array([v], dtype) for v, dtype in ((100, np.int16), (-7, np.int8), (9, np.int8)))
    assert elementwise.mac(old, a, b, left_shift=2, right_shift=3, rounding=1).tolist() == [round((400 - 63) / 8)]
    assert elementwise.mac(np.array([30000], np.int16), a, b, left_shift=1).tolist() == [32767]


def test_views_are_read_and_written_in_place():
    x = np.arange(2 * 6 * 4 * 10, dtype=np.float32).reshape(2, 6, 4, 10)
    expected = x.copy()
    expected[:, ::2, :, 1::3] += x[:, 1::2, :, ::-3][..., :3]
    part = x[:, ::2, :, 1::3]
    result = elementwise.binary("add", part, x[:, 1::2, :, ::-3][..., :3].copy(), out=part)
    assert result is part and np.array_equal(x, expected)


def test_the_denormals_of_the_caller_stay():
    tiny = np.array([1e-40], np.float32)
    assert elementwise.binary("add", tiny, tiny).tolist() == [0.0]
    assert (tiny + tiny)[0] > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: elementwise.binary("plus", np.ones(3, np.float32), 1.0), 'operation "plus": one of mul, add'),
        (
            lambda: elementwise.binary("add", np.ones(3, np.float32), np.ones(3, np.int8)),
            "add is not defined for kinds f32, i8",
        ),
        (lambda: elementwise.binary("and", np.ones(3, np.float32), np.ones(3, np.float32)), "and is not defined"),
        (lambda: elementwise.binary("add", np.ones(3, np.float32), np.ones(4, np.float32)), "do not match"),
        (lambda: elementwise.binary("add", np.ones(3), 1.0), "one of i8, u8"),
        (lambda: elementwise.binary("adds", np.ones(3, np.int8), 1, rounding=7), "0 to 6 would be right"),
        (
            lambda: elementwise.binary("add", np.ones(3, np.int8), np.ones(3, np.int8), out=np.ones(4, np.int8)),
            "out: shape",
        ),
        (lambda: elementwise.cast(np.ones(3, np.float32), np.int8, 5), "rounding 5 is not defined"),
        (lambda: elementwise.cast(np.ones(3, np.float16), "bf16"), "not defined for kinds f16, bf16"),
    ],
)
def test_wrong_calls_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
