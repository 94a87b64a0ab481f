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
