import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tpuc_calibration.statistics import BINS, TensorStatistics

from tpuc_core.errors import TpucError


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6)), min_size=1, max_size=6), st.randoms())
@settings(max_examples=50, deadline=None)
def test_counts_do_not_depend_on_the_order(parts, random):
    arrays = [np.random.default_rng(seed).standard_normal(200).astype(np.float32) * np.float32(scale) for seed, scale in parts]
    one, other = TensorStatistics(), TensorStatistics()
    for array in arrays:
        one.update(array)
    random.shuffle(arrays)
    for array in arrays:
        other.update(array)
    assert (one.minimum, one.maximum, one.reach) == (other.minimum, other.maximum, other.reach)
    np.testing.assert_array_equal(one.counts, other.counts)
    everything = np.abs(np.concatenate(arrays))
    assert one.reach / 2 <= everything.max() <= one.reach
    expected = np.histogram(everything, BINS, (0, one.reach))[0]
    np.testing.assert_array_equal(one.counts, expected)


def test_the_final_histogram_ends_at_the_largest_magnitude():
    statistics = TensorStatistics()
    statistics.update(np.linspace(-3, 3, 100_000, dtype=np.float32))
    counts = statistics.histogram(100)
    assert counts.sum() == pytest.approx(100_000)
    np.testing.assert_allclose(counts, 1000, atol=10)


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(TpucError, match="not finite"):
        TensorStatistics().update(np.float32([1, np.nan]))


def test_statistics_of_parts_merge_to_those_of_the_whole():
    random = np.random.default_rng(3)
    parts = [random.standard_normal(500).astype(np.float32) * np.float32(scale) for scale in (0.01, 40, 1)]
    parts.append(np.zeros(7, np.float32))
    whole = TensorStatistics()
    for part in parts:
        whole.update(part)
    for order in itertools.permutations(parts):
        merged = TensorStatistics()
        for part in order:
            one = TensorStatistics()
            one.update(part)
            merged.merge(one)
        assert (merged.minimum, merged.maximum, merged.reach, merged.zeros) == (
            whole.minimum, whole.maximum, whole.reach, whole.zeros)
        np.testing.assert_array_equal(merged.counts, whole.counts)
        np.testing.assert_array_equal(merged.negative, whole.negative)


def test_quantiles_and_moments():
    values = np.random.default_rng(0).standard_normal(200_000).astype(np.float32) - 1
    statistics = TensorStatistics()
    statistics.update(np.append(values, np.zeros(1000, np.float32)))
    assert statistics.magnitude_below(0.99) == pytest.approx(np.quantile(np.abs(values), 0.99), rel=1e-3)
    assert statistics.magnitude_below(1.0) == statistics.magnitude
    assert statistics.range_of(0.999) == pytest.approx(np.quantile(values, [0.001, 0.999]), rel=1e-2)
    assert statistics.range_of(1.0) == (statistics.minimum, statistics.maximum)
    assert statistics.moment(2) == pytest.approx(np.mean(values.astype(np.float64) ** 2), rel=1e-3)
    assert statistics.moment(1) == pytest.approx(np.mean(np.abs(values)), rel=1e-3)


def test_zeros_alone_have_quantiles():
    statistics = TensorStatistics()
    statistics.update(np.zeros(4, np.float32))
    assert (statistics.magnitude_below(0.9), statistics.range_of(0.9), statistics.moment(2)) == (0.0, (0.0, 0.0), 0.0)
