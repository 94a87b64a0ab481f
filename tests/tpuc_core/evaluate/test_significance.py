from math import comb

import pytest

from tpuc_core.evaluate.significance import Paired, mcnemar_exact, wilson_interval


@pytest.mark.parametrize("hits, count, low, high", [
    (81, 263, 0.2553, 0.3662),  # R. G. Newcombe 1998, Statistics in Medicine 17, table I, method 3
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
])
def test_wilson_intervals_of_the_literature(hits, count, low, high):
    assert wilson_interval(hits, count) == pytest.approx((low, high), abs=5e-5)


def test_all_right_has_one_as_its_end():
    low, high = wilson_interval(20, 20)
    assert high == 1.0 and low == pytest.approx(1 - 0.1611, abs=5e-5)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_mcnemar_is_a_two_sided_sign_test():
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(5, 5) == 1.0
    assert mcnemar_exact(0, 6) == mcnemar_exact(6, 0) == pytest.approx(2 / 64)
    assert mcnemar_exact(3, 9) == pytest.approx(2 * sum(comb(12, k) for k in range(4)) / 2**12)
    assert mcnemar_exact(4000, 6000) < 1e-80


def test_pairs_are_counted_where_just_one_is_right():
    paired = Paired.of([True, True, False, False, True], [True, False, True, False, False])
    assert (paired.only_first, paired.only_second, paired.difference) == (2, 1, -20.0)
    assert "these images do not show that they differ" in paired.sentence()


def test_what_the_sentence_says():
    assert Paired(10, 0, 0).sentence() == "both are right on the same images"
    assert Paired(100, 0, 8).sentence() == (
        "0 images only the first gets right, 8 only the second: +8.00 points; two equally good models would be this uneven with "
        "p = 0.00781, so they differ")
