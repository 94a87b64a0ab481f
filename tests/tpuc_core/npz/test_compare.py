import numpy as np
import pytest

from tpuc_core.errors import TpucError
from tpuc_core.npz import Tolerance, Verdict, compare

RANDOM = np.random.default_rng(7)
X = RANDOM.standard_normal((1, 3, 8, 8)).astype(np.float32)


def only(target, reference, **options):
    (comparison,) = compare({"x": target}, {"x": reference}, **options).comparisons
    return comparison


def test_same_bits_are_equal_nan_included():
    x = X.copy()
    x[0, 0, 0, 0] = np.nan
    assert only(x, x.copy()).verdict is Verdict.EQUAL


@pytest.mark.parametrize("relative, order", [(1e-6, 5), (5e-5, 4), (5e-4, 3)])
def test_close_of_an_order(relative, order):
    comparison = only(X * np.float32(1 + relative), X)
    assert (comparison.verdict, comparison.close_order) == (Verdict.CLOSE, order)


def test_similarities_follow_their_formulas():
    t = np.array([3.0, 4.0], np.float32)
    r = np.array([4.0, 3.0], np.float32)
    comparison = only(t, r, cosine=0.95, euclidean=0.7)
    assert comparison.verdict is Verdict.SIMILAR
    assert comparison.cosine == pytest.approx(24 / 25)
    assert comparison.euclidean == pytest.approx(1 - np.sqrt(2) / np.linalg.norm([3.5, 3.5]))
    assert comparison.sqnr == pytest.approx(10 * np.log10(0.25 / 1.0))


def test_a_tolerance_must_be_exceeded_not_reached():
    t, r = np.array([3.0, 4.0], np.float32), np.array([4.0, 3.0], np.float32)
    cosine = only(t, r).cosine
    assert only(t, r, cosine=cosine, euclidean=0).verdict is Verdict.NOT_SIMILAR


def test_a_reference_of_the_same_size_takes_the_shape_another_size_does_not_match():
    assert only(X, X.reshape(3, 64)).verdict is Verdict.EQUAL
    assert only(X, X[:, :2]).verdict is Verdict.NOT_MATCH


def test_all_zeros_are_unlike_everything_else():
    comparison = only(np.zeros(4, np.float32), np.ones(4, np.float32))
    assert (comparison.verdict, comparison.cosine) == (Verdict.NOT_SIMILAR, 0.0)


def test_int8_may_have_to_be_equal():
    q = np.arange(-100, 100, dtype=np.int8)
    other = q.copy()
    other[3] += 1
    assert only(q, other).passed
    assert only(q, other, is_int8_similar=False).verdict is Verdict.NOT_EQUAL


def test_16_bit_words_are_read_as_bf16():
    words = (X.view(np.uint32) >> 16).astype(np.uint16)
    real = (words.astype(np.uint32) << 16).view(np.float32)
    assert only(words, real).verdict is Verdict.EQUAL


def test_excepts_and_names_of_one_side_are_left_out():
    report = compare({"a": X, "b": X, "c": -X}, {"c": X, "a": X, "z": X}, excepts=["c"])
    assert [c.name for c in report.comparisons] == ["a"]
    assert report.passed


def test_nothing_in_common_is_an_error():
    with pytest.raises(TpucError, match="nothing to compare"):
        compare({"a": X}, {"b": X})


def test_printed_form():
    report = compare({"a": X, "y": X}, {"a": X, "y": X + 1}, 0.99, 0.9)
    assert report.comparisons[0].lines() == ["[a                               ]        EQUAL [PASSED]"]
    lines = report.comparisons[1].lines(1)
    assert lines[0] == "[y                               ]  NOT_SIMLIAR [FAILED]"
    assert lines[1] == "    (1, 3, 8, 8) float32 "
    assert lines[2].startswith("    cosine_similarity      = 0.")
    assert report.summary()[:5] == ["2 compared", "1 passed", "  1 equal, 0 close, 0 similar", "1 failed",
                                    "  0 not equal, 1 not similar"]


def test_tolerance_text():
    assert Tolerance.parse("0.95,0.7") == (0.95, 0.7)
    with pytest.raises(TpucError, match="two numbers"):
        Tolerance.parse("0.95")
