"""Where to clip a tensor's magnitudes before they are quantized: methods by name.

A method is a function of a tensor's statistics to its threshold: 8-bit values cover [-threshold, threshold], or
[0, threshold] where no value is negative. Zeros do not count: every such quantization holds them exactly. Plugins add
methods with the hook `tpuc_threshold_methods`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial

import numpy as np

from tpuc_calibration.statistics import TensorStatistics
from tpuc_core.errors import TpucError, unknown
from tpuc_core.plugins import plugins

Method = Callable[[TensorStatistics], float]

HISTOGRAM_BINS = 2048
_TINY = 1e-12


def max_threshold(statistics: TensorStatistics) -> float:
    """The largest magnitude: nothing is clipped."""
    return statistics.magnitude


def kl_divergences(counts: np.ndarray, levels: int) -> np.ndarray:
    """For every number of bins i from `levels` to all: the Kullback-Leibler divergence of the magnitudes clipped to the
    first i bins, P, from their quantization to `levels` levels, Q.

    P is counts[:i] with everything beyond added to its last bin. Q spreads the sum of each of `levels` groups of bins
    evenly over those of the group's bins that are not empty; what lies beyond is not in Q. As in S. Migacz, "8-bit
    inference with TensorRT" (2017). With s a group's sum and k the number of its bins in use, Q is s / k in them, so

        sum p log(p / q) = sum p log p - sum over groups s log(s / k) + the terms of the last bin and of the totals

    needs only cumulative sums: no loop over bins.
    """
    bins = counts.size
    total = counts.sum()
    sizes = np.arange(levels, bins + 1)
    below = np.concatenate([[0.0], np.cumsum(counts)])
    used = np.concatenate([[0], np.cumsum(counts > 0)])
    own = np.concatenate([[0.0], np.cumsum(_x_log(counts, counts))])
    edges = sizes[:, None] * np.arange(levels + 1) // levels
    sums, widths = np.diff(below[edges], axis=1), np.diff(used[edges], axis=1)
    inside = below[sizes]
    spread = _x_log(sums, sums / np.maximum(widths, 1)).sum(1)
    last = counts[sizes - 1]
    last_q = np.where(last > 0, sums[:, -1] / np.maximum(widths[:, -1], 1), _TINY * total)
    clipped = last + (total - inside)
    divergence = own[sizes] - spread
    # the last bin holds `clipped` in P, not `last`
    divergence += _x_log(clipped, clipped / last_q) - _x_log(last, last / last_q)
    # P and Q are normalized by their own totals: log(p/P) - log(q/Q)
    return divergence / total - np.log(total / np.maximum(inside, _TINY))


def _x_log(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x log y, 0 where x is 0."""
    return np.where(x > 0, x * np.log(np.where(x > 0, y, 1.0)), 0.0)


def kl_threshold(statistics: TensorStatistics) -> float:
    """The clipping whose quantization diverges least from the values, but none below that of least square error.

    By itself the divergence clips tails that networks with linear bottlenecks and clipped activations cannot spare
    (docs/calibration.md has figures).
    """
    counts = statistics.histogram(HISTOGRAM_BINS)
    if not counts.any():
        return statistics.magnitude
    levels = 128 if statistics.is_signed else 256
    best = levels + int(np.argmin(kl_divergences(counts, levels)))
    return max(statistics.magnitude * best / HISTOGRAM_BINS, mse_threshold(statistics))


def mse_threshold(statistics: TensorStatistics) -> float:
    """The clipping whose quantization has the least mean square error."""
    counts = statistics.histogram(HISTOGRAM_BINS)
    if not counts.any():
        return statistics.magnitude
    levels = steps_of(statistics)
    return statistics.magnitude * (int(np.argmin(square_errors(counts, levels))) + 1) / HISTOGRAM_BINS


def square_errors(counts: np.ndarray, levels: int) -> np.ndarray:
    """For every number of bins i from 1 to all: the sum of square errors, in bins, when magnitudes are clipped to i
    bins and rounded to `levels` steps of i / levels each (a twelfth of a step squared within, the distance beyond)."""
    centres = np.arange(counts.size) + 0.5
    thresholds = np.arange(1, counts.size + 1, dtype=np.float64)
    below = np.cumsum(counts)
    first, second = np.cumsum(counts * centres), np.cumsum(counts * centres**2)
    beyond = (second[-1] - second) - 2 * thresholds * (first[-1] - first) + thresholds**2 * (below[-1] - below)
    return below * (thresholds / levels) ** 2 / 12 + beyond


def percentile_threshold(statistics: TensorStatistics, percent: float = 99.99) -> float:
    """The magnitude that `percent` of the values do not exceed."""
    return statistics.magnitude_below(percent / 100)


def gauss_threshold(statistics: TensorStatistics) -> float:
    """The clipping of least expected square error if the values had a normal distribution around 0.

    The analytic clipping of R. Banner, Y. Nahshan, D. Soudry, "Post training 4-bit quantization of convolutional
    networks for rapid-deployment" (2019), with the deviation from 0 in place of that from the mean, since the
    quantization is symmetric to 0 too.
    """
    return min(gauss_clipping(steps_of(statistics)) * math.sqrt(statistics.moment(2)), statistics.magnitude)


def laplace_threshold(statistics: TensorStatistics) -> float:
    """The same for a Laplace distribution, whose parameter is the mean magnitude."""
    return min(laplace_clipping(steps_of(statistics)) * statistics.moment(1), statistics.magnitude)


def steps_of(statistics: TensorStatistics) -> int:
    """Into how many steps a threshold is divided."""
    return 127 if statistics.is_signed else 255


@cache
def gauss_clipping(steps: int) -> float:
    """Threshold / sigma: where the derivative of 2 ((a^2 + 1) Q(a) - a phi(a)) + a^2 / (12 steps^2) is 0."""
    def slope(a: float) -> float:
        tail = 0.5 * math.erfc(a / math.sqrt(2))
        return 4 * (a * tail - math.exp(-a * a / 2) / math.sqrt(2 * math.pi)) + a / (6 * steps**2)

    return _zero_of(slope)


@cache
def laplace_clipping(steps: int) -> float:
    """Threshold / b: where the derivative of 2 exp(-a) + a^2 / (12 steps^2) is 0."""
    return _zero_of(lambda a: -2 * math.exp(-a) + a / (6 * steps**2))


def _zero_of(slope: Callable[[float], float], low: float = 1e-3, high: float = 64.0) -> float:
    """Where a slope turns from negative to positive, by bisection."""
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return (low + high) / 2


BUILT_IN: dict[str, Method] = {
    "aciq_gauss": gauss_threshold, "aciq_laplace": laplace_threshold, "kl": kl_threshold, "max": max_threshold,
    "mse": mse_threshold, "percentile": percentile_threshold,
}
AUTO = "auto"
"""The method that is none: of each tensor the threshold, by any of them, that hurts its consumers least."""
_ALIASES = {"percentile9999": "percentile", "use_percentile9999": "percentile",
            "use_kl": "kl", "use_max": "max", "use_mse": "mse"}


def threshold_methods() -> dict[str, Method]:
    """All methods by name, those of plugins too."""
    return dict(sorted({**BUILT_IN, **plugins().threshold_methods}.items()))


def threshold_method(name: str, percent: float = 99.99) -> Method:
    """The method of that name, the established tools' names too. Raises TpucError."""
    if not 0 < percent <= 100:
        raise TpucError(f"a percentile of {percent:g} is not above 0 and at most 100")
    methods = threshold_methods()
    name = method_name(name)
    if name not in methods:
        raise unknown("calibration method", name, [*methods, AUTO])
    return partial(percentile_threshold, percent=percent) if name == "percentile" else methods[name]


def method_name(name: str) -> str:
    """The name without the established tools' spellings: percentile for percentile9999, kl for use_kl."""
    return _ALIASES.get(name, name)
