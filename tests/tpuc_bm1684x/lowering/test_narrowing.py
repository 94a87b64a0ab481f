"""Constants in 16 bits, and the sums that those of filters keep."""

import ml_dtypes
import numpy as np
import pytest
from tpuc_bm1684x.lowering.narrowing import MOST_TURNED, narrowed, narrowed_filter


def real(bits):
    return bits.view(ml_dtypes.bfloat16).astype(np.float64)


@pytest.fixture(params=[(32, 1, 3, 3), (16, 96, 1, 1), (5, MOST_TURNED * 3)], ids=str)
def filters(request):
    return np.random.default_rng(3).standard_normal(request.param).astype(np.float32)


def sums(weights):
    return weights.reshape(len(weights), -1).sum(axis=1, dtype=np.float64)


def test_the_sums_of_channels_stay_in_bf16(filters):
    plain, kept = real(narrowed(filters, "bf16")), real(narrowed_filter(filters, "bf16"))
    before, after = (np.abs(sums(weights) - sums(filters)) for weights in (plain, kept))
    assert (after <= before).all() and after.mean() < before.mean() / 4


def test_every_weight_is_one_of_its_two_neighbours(filters):
    bits = narrowed_filter(filters, "bf16")
    below = (filters.view(np.uint32) >> 16).astype(np.uint16)
    assert ((bits == below) | (bits == below + 1)).all()
    assert np.abs(real(bits) - filters).mean() < 1.2 * np.abs(real(narrowed(filters, "bf16")) - filters).mean()


def test_what_bf16_holds_stays_as_it_is():
    exact = real(narrowed(np.random.default_rng(4).standard_normal((8, 40)).astype(np.float32), "bf16")).astype(np.float32)
    assert np.array_equal(real(narrowed_filter(exact, "bf16")), exact)


def test_columns_of_a_matrix_are_channels_too(filters):
    rows = filters.reshape(len(filters), -1)
    assert np.array_equal(narrowed_filter(rows.T, "bf16", axis=-1), narrowed_filter(rows, "bf16").T)


def test_no_weight_becomes_infinite():
    largest = np.full((1, 2), np.finfo(np.float32).max, np.float32)
    largest[0, 1] = np.float32(ml_dtypes.finfo(ml_dtypes.bfloat16).max)
    assert np.array_equal(narrowed_filter(largest, "bf16"), narrowed(largest, "bf16"))
    unusual = np.array([[np.inf, 1.003, -np.inf], [np.nan, 1.003, 2]], np.float32)
    assert np.array_equal(narrowed_filter(unusual, "bf16"), narrowed(unusual, "bf16"))


def test_f16_is_rounded_to_the_nearest(filters):
    assert np.array_equal(narrowed_filter(filters, "f16"), filters.astype(np.float16).view(np.uint16))
