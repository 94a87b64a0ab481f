import numpy as np
import pytest
from tpuc_calibration.statistics import TensorStatistics
from tpuc_calibration.methods import kl_divergences, kl_threshold, max_threshold, mse_threshold, square_errors


def plain_divergence(counts, size, levels):
    """The definition, bin by bin."""
    p = counts[:size].astype(np.float64).copy()
    p[-1] += counts[size:].sum()
    q = np.zeros(size)
    for level in range(levels):
        group = slice(size * level // levels, size * (level + 1) // levels)
        in_use = counts[group] > 0
        if in_use.any():
            q[group][in_use] = counts[group].sum() / in_use.sum()
    q[-1] = q[-1] or 1e-12 * counts.sum()
    total, inside = p.sum(), counts[:size].sum()
    return sum(a / total * np.log(a / total / (b / inside)) for a, b in zip(p, q) if a > 0)


def test_divergences_follow_the_definition():
    random = np.random.default_rng(1)
    counts = np.floor(random.exponential(3, 64) * np.exp(-np.arange(64) / 12)) + (np.arange(64) == 0)
    got = kl_divergences(counts, 8)
    expected = [plain_divergence(counts, size, 8) for size in range(8, 65)]
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_square_errors_follow_the_definition():
    counts = np.array([5.0, 3.0, 0.0, 2.0])
    for i, got in enumerate(square_errors(counts, 7), start=1):
        expected = sum(n * (i / 7) ** 2 / 12 if b < i else n * (b + 0.5 - i) ** 2 for b, n in enumerate(counts))
        assert got == pytest.approx(expected)


def statistics_of(values):
    statistics = TensorStatistics()
    statistics.update(np.asarray(values, np.float32))
    return statistics


def test_an_outlier_is_clipped_by_kl_and_mse_and_not_by_max():
    values = np.random.default_rng(0).standard_normal(100_000)
    statistics = statistics_of(np.append(values, 40.0))
    assert max_threshold(statistics) == 40.0
    assert 20 < mse_threshold(statistics) < 40  # 100,000 small errors against one large one
    assert kl_threshold(statistics) == mse_threshold(statistics)  # the divergence alone would clip at 5


def test_kl_keeps_what_the_least_square_error_would_clip():
    tail = np.random.default_rng(0).exponential(1, 200_000)
    statistics = statistics_of(np.concatenate([tail, -tail]))
    assert mse_threshold(statistics) <= kl_threshold(statistics) <= statistics.magnitude


def test_zeros_change_no_threshold():
    values = np.abs(np.random.default_rng(0).standard_normal(10_000))
    for method in (kl_threshold, mse_threshold):
        assert method(statistics_of(values)) == method(statistics_of(np.append(values, np.zeros(90_000))))


def test_zeros_alone_have_no_threshold():
    assert kl_threshold(statistics_of(np.zeros(10))) == 0.0
