"""Rounding, weight scales and multipliers, against the figures of the established tool chain where it gives them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tpuc_bm1684x.lowering.quantize import (
    LIMIT_16_BIT,
    LIMIT_32_BIT,
    grid_step,
    multipliers_and_shifts,
    quantize,
    quantize_bias,
    quantize_filter,
    quantize_matrix,
    round_half_away,
)


def test_halves_round_away_from_zero():
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999997, -0.49999997], np.float32)
    assert round_half_away(x).tolist() == [1, 2, 3, -1, -2, -3, 0, 0]


def test_quantize_saturates():
    assert quantize(np.array([-1000.0, 1000.0, 0.6]), 1.0, -128, 127, np.int8).tolist() == [-128, 127, 1]


def test_an_8_bit_limit_gives_the_small_multipliers_of_the_established_tools():
    factors = [0.022713824409448819 / 0.039047981568627453, 0.03889407725490196 / 0.039047981568627453]
    assert multipliers_and_shifts(factors, 127) == ([37, 1], [6, 0])


def test_the_first_shift_without_error_in_f32_wins():
    (multiplier,), (shift,) = multipliers_and_shifts(np.float32(0.0074985))
    assert multiplier < 2**24
    assert np.float32(multiplier / 2**shift) == np.float32(0.0074985)


@settings(deadline=None)
@given(st.floats(1e-7, 100.0), st.sampled_from([127, LIMIT_16_BIT, LIMIT_32_BIT]))
def test_the_multiplier_is_the_nearest_that_fits(factor, limit):
    (multiplier,), (shift,) = multipliers_and_shifts(factor, limit)
    assert 0 <= shift <= 30 and abs(multiplier) < limit
    best = min(abs(round(factor * 2.0**n) / 2.0**n - factor) for n in range(31) if round(factor * 2.0**n) < limit)
    assert abs(multiplier / 2.0**shift - factor) <= best + 2**-23 * factor


def test_a_factor_beyond_the_limit_gives_the_largest_multiplier():
    assert multipliers_and_shifts([1e9], LIMIT_16_BIT)[0] == [LIMIT_16_BIT - 1]


def test_a_channel_of_zeros_has_a_scale_and_zero_weights():
    weights, scales = quantize_filter(np.zeros((2, 3, 1, 1), np.float32))
    assert not weights.any() and (scales > 0).all()


@pytest.mark.parametrize("is_per_column", [True, False])
def test_matrix_weights_reach_127(is_per_column):
    matrix = np.random.default_rng(0).standard_normal((20, 5)).astype(np.float32)
    weights, scales = quantize_matrix(matrix, is_per_column)
    assert scales.shape == ((5,) if is_per_column else (1,))
    assert np.abs(weights.astype(int)).max() == 127
    assert np.abs(weights * scales - matrix).max() <= scales.max() / 2 + 1e-6


def test_a_bias_beyond_32_bits_saturates():
    assert quantize_bias(np.array([1e6, -1e6]), np.array([1e-9])).tolist() == [2**31 - 1, -(2**31)]


def on_a_grid(low, high, shape=(6, 50), step=0.0123):
    places = np.random.default_rng(3).integers(low, high + 1, shape)
    return (places * step).astype(np.float32), places


def test_weights_on_a_grid_keep_their_places():
    weights, places = on_a_grid(-20, 90)
    values, scales = quantize_filter(weights)
    assert np.array_equal(values, places) and scales == pytest.approx(0.0123, rel=1e-6)


def test_a_channel_beyond_8_bits_of_the_grid_is_rounded_and_the_others_are_not():
    weights, places = on_a_grid(-90, 90)
    places[2, 7] = 150
    weights[2, 7] = np.float32(150 * 0.0123)
    values, scales = quantize_filter(weights)
    assert scales[2] == pytest.approx(150 * 0.0123 / 127) and values[2, 7] == 127
    assert np.array_equal(np.delete(values, 2, axis=0), np.delete(places, 2, axis=0))


@pytest.mark.parametrize("weights", [
    np.random.default_rng(0).standard_normal((4, 4)), np.random.default_rng(0).standard_normal((64, 600)), np.zeros((2, 3)),
    np.array([[0.0, 1.0, 300.0]]), np.array([[1.0, 1.3, 2.0]])], ids=str)
def test_other_weights_lie_on_no_grid(weights):
    assert grid_step(weights.astype(np.float32)) is None
