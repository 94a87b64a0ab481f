"""Ranges become scales."""

import pytest
from tpuc_int8.scales import asymmetric, symmetric

from tpuc_core.plan import TensorQuantization


def test_a_range_without_negative_part_is_unsigned():
    assert symmetric(0.0, 5.1) == TensorQuantization(5.1 / 255, is_signed=False)
    assert symmetric(-0.0, 5.1).is_signed is False


def test_a_signed_range_uses_its_larger_side():
    assert symmetric(-6.35, 2.0) == TensorQuantization(6.35 / 127)


@pytest.mark.parametrize("low", [0.0, -0.0])
def test_an_empty_range_still_has_a_scale(low):
    assert symmetric(low, 0.0).scale > 0


@pytest.mark.parametrize(("low", "high", "wanted"), [
    (-3.6942854, 3.59831, TensorQuantization(0.028598413333333333, 1)),
    (-0.278465, 5.06158, TensorQuantization(5.340045 / 255, -115)),
    (-4.4466324, 3.3604584, TensorQuantization(0.030616042352941179, 17)),
], ids=str)
def test_an_asymmetric_range_takes_all_integers(low, high, wanted):
    given = asymmetric(low, high)
    assert given.scale == pytest.approx(wanted.scale, rel=1e-12) and (given.zero_point, given.is_signed) == (wanted.zero_point, True)


def test_an_asymmetric_range_without_negative_part_is_unsigned_from_0():
    assert asymmetric(0.5, 5.1) == TensorQuantization(5.1 / 255, is_signed=False)


def test_an_asymmetric_range_without_positive_part_reaches_to_0():
    assert asymmetric(-5.1, -2.0) == TensorQuantization(5.1 / 255, 127)


def test_the_least_and_the_greatest_integer_stand_for_the_ends_of_the_range():
    low, high = asymmetric(-1.0, 4.1).real_limits
    assert low == pytest.approx(-1.0, abs=0.01) and high == pytest.approx(4.1, abs=0.01)
