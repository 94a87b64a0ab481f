"""Ranges become scales."""

import pytest
from tpuc_int8.scales import symmetric

from tpuc_core.plan import TensorQuantization


def test_a_range_without_negative_part_is_unsigned():
    assert symmetric(0.0, 5.1) == TensorQuantization(5.1 / 255, is_signed=False)
    assert symmetric(-0.0, 5.1).is_signed is False


def test_a_signed_range_uses_its_larger_side():
    assert symmetric(-6.35, 2.0) == TensorQuantization(6.35 / 127)


@pytest.mark.parametrize("low", [0.0, -0.0])
def test_an_empty_range_still_has_a_scale(low):
    assert symmetric(low, 0.0).scale > 0
