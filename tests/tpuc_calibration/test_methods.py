import numpy as np
import pytest
from tpuc_calibration.methods import (
    BUILT_IN,
    gauss_clipping,
    kl_divergences,
    kl_threshold,
    laplace_clipping,
    max_threshold,
    mse_threshold,
    square_errors,
    threshold_method,
)
from tpuc_calibration.statistics import TensorStatistics


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
    for method in BUILT_IN.values():
        assert method(statistics_of(values)) == method(statistics_of(np.append(values, np.zeros(90_000))))


@pytest.mark.parametrize("name", BUILT_IN)
def test_zeros_alone_have_no_threshold(name):
    assert BUILT_IN[name](statistics_of(np.zeros(10))) == 0.0


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_threshold_is_within_the_values(name):
    values = np.random.default_rng(5).laplace(size=10_000)
    for some in (values, np.abs(values), np.float32([1e-30, 3.0]), np.full(5, -2.0)):
        statistics = statistics_of(some)
        assert 0 < BUILT_IN[name](statistics) <= statistics.magnitude


@pytest.mark.parametrize("name, draw", [("aciq_gauss", "standard_normal"), ("aciq_laplace", "laplace")])
@pytest.mark.parametrize("is_signed", [True, False])
def test_analytic_clipping_has_the_least_error_on_its_own_distribution(name, draw, is_signed):
    values = getattr(np.random.default_rng(0), draw)(size=2_000_000)
    values = values if is_signed else np.abs(values)
    steps = 127 if is_signed else 255

    def error(threshold):
        scale = threshold / steps
        return np.mean((np.clip(np.round(values / scale), -steps - is_signed, steps) * scale - values) ** 2)

    found = BUILT_IN[name](statistics_of(values))
    assert error(found) <= 1.02 * min(error(found * factor) for factor in np.linspace(0.7, 1.3, 25))


def test_clipping_of_8_bits():
    """The published values: 3.92 sigma and 9.90 b."""
    assert gauss_clipping(128) == pytest.approx(3.92403, abs=0.01)
    assert laplace_clipping(128) == pytest.approx(9.89676, abs=0.01)


def test_percentile_has_a_parameter():
    statistics = statistics_of(np.arange(1, 1001))
    assert threshold_method("percentile", 50)(statistics) == pytest.approx(500, abs=2)
    assert threshold_method("percentile", 100)(statistics) == 1000


def test_plugins_add_methods():
    from tpuc_core.hookspecs import hookimpl
    from tpuc_core.plugins import plugins

    class Plugin:
        @hookimpl
        def tpuc_threshold_methods(self):
            return {"half": lambda statistics: statistics.magnitude / 2}

    plugin = Plugin()
    plugins().manager.register(plugin)
    try:
        assert threshold_method("half")(statistics_of([1, -4])) == 2.0
    finally:
        plugins().manager.unregister(plugin)
