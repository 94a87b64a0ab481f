"""Where to clip a tensor's magnitudes before they are quantized: methods by name.

A method takes a tensor's statistics and gives its threshold: 8-bit values cover [-threshold, threshold], or
[0, threshold] where no value is negative. Zeros do not count: every such quantization holds them exactly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tpuc_calibration.statistics import TensorStatistics
from tpuc_core.errors import unknown

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
    levels = 256 if statistics.minimum >= 0 else 128
    best = levels + int(np.argmin(kl_divergences(counts, levels)))
    return max(statistics.magnitude * best / HISTOGRAM_BINS, mse_threshold(statistics))


def mse_threshold(statistics: TensorStatistics) -> float:
    """The clipping whose quantization has the least mean square error."""
    counts = statistics.histogram(HISTOGRAM_BINS)
    if not counts.any():
        return statistics.magnitude
    levels = 255 if statistics.minimum >= 0 else 127
    return statistics.magnitude * (int(np.argmin(square_errors(counts, levels))) + 1) / HISTOGRAM_BINS


def square_errors(counts: np.ndarray, levels: int) -> np.ndarray:
    """For every number of bins i from 1 to all: the sum of square errors, in bins, when magnitudes are clipped to i bins
    and rounded to `levels` steps of i / levels each (a twelfth of a step squared within, the distance beyond)."""
    centres = np.arange(counts.size) + 0.5
    thresholds = np.arange(1, counts.size + 1, dtype=np.float64)
    below = np.cumsum(counts)
    first, second = np.cumsum(counts * centres), np.cumsum(counts * centres**2)
    beyond = (second[-1] - second) - 2 * thresholds * (first[-1] - first) + thresholds**2 * (below[-1] - below)
    return below * (thresholds / levels) ** 2 / 12 + beyond


METHODS: dict[str, Callable[[TensorStatistics], float]] = {
    "kl": kl_threshold, "max": max_threshold, "mse": mse_threshold,
}


def threshold_method(name: str) -> Callable[[TensorStatistics], float]:
    """The method of that name. Raises TpucError."""
    if name not in METHODS:
        raise unknown("calibration method", name, METHODS)
    return METHODS[name]
