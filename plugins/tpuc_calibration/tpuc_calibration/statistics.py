"""Running statistics of one tensor: least, greatest, and histograms of magnitudes, in constant memory.

The histograms' range is the power of two that holds the largest magnitude so far. It doubles when a larger one comes:
two neighbouring bins become one, which loses nothing, because bins of the doubled range are exact unions. So the
counts do not depend on the order of the samples, and the statistics of parts merge to those of the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from tpuc_kernels import float_ops

from tpuc_core.errors import TpucError

BINS = 8192  # of the running histograms; at least half of them lie below the largest magnitude


def _empty() -> np.ndarray:
    return np.zeros(BINS, np.int64)


@dataclass
class TensorStatistics:
    """Of all values seen: `minimum`, `maximum`, `counts` of magnitudes in equal bins over [0, reach), those of
    negative values in `negative` too, and how many are `zeros`, which the first bin of `counts` holds as well."""

    minimum: float = math.inf
    maximum: float = -math.inf
    reach: float = 0.0
    zeros: int = 0
    counts: np.ndarray = field(default_factory=_empty)
    negative: np.ndarray | None = None

    @property
    def magnitude(self) -> float:
        """The largest absolute value."""
        return max(abs(self.minimum), abs(self.maximum))

    @property
    def is_signed(self) -> bool:
        """Whether there are negative values."""
        return self.minimum < 0

    def update(self, array: np.ndarray) -> None:
        """Take in a float32 array. Raises TpucError for values that are not finite."""
        flat = np.ascontiguousarray(array, np.float32).reshape(-1)
        if not flat.size:
            return
        low, high = float(flat.min()), float(flat.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise TpucError("values that are not finite")
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)
        self.zeros += flat.size - int(np.count_nonzero(flat))
        self._widen(_power_above(max(abs(low), abs(high))))
        if not self.reach:
            self.counts[0] += flat.size
            return
        float_ops.histogram(flat, BINS / self.reach, self.counts)
        if low < 0:
            self.negative = _empty() if self.negative is None else self.negative
            float_ops.histogram(flat[flat < 0], BINS / self.reach, self.negative)

    def merge(self, other: TensorStatistics) -> None:
        """Take in what another one has seen. The other one may be widened by that, which changes none of its
        figures."""
        self.minimum, self.maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        self.zeros += other.zeros
        self._widen(other.reach)
        other._widen(self.reach)
        self.counts += other.counts
        if other.negative is not None:
            self.negative = other.negative.copy() if self.negative is None else self.negative + other.negative

    def _widen(self, wanted: float) -> None:
        if not self.reach:
            self.reach = wanted
        while self.reach < wanted:
            self.counts = _halved(self.counts)
            self.negative = None if self.negative is None else _halved(self.negative)
            self.reach *= 2

    def histogram(self, bins: int) -> np.ndarray:
        """Counts (float64) of all values but zeros, in `bins` equal bins over [0, magnitude]; a running bin that lies
        across an edge is shared out by length."""
        if not self.reach:
            return np.zeros(bins)
        below = np.concatenate([[0.0], np.cumsum(self._without_zeros())])
        edges = np.linspace(0.0, self.magnitude * BINS / self.reach, bins + 1)
        cumulated = np.interp(edges, np.arange(BINS + 1), below)
        cumulated[-1] = below[-1]
        return np.diff(cumulated)

    def moment(self, order: int) -> float:
        """The mean of |x| ** order over all values but zeros, by the centres of the running bins; 0.0 where there are
        none."""
        counts = self._without_zeros()
        if not self.reach or not counts.any():
            return 0.0
        centres = (np.arange(BINS) + 0.5) * (self.reach / BINS)
        return float(np.average(centres**order, weights=counts))

    def magnitude_below(self, fraction: float) -> float:
        """The magnitude that `fraction` of all values but zeros do not exceed."""
        return self._quantile(self._without_zeros(), fraction, self.magnitude)

    def range_of(self, fraction: float) -> tuple[float, float]:
        """The range without the share 1 - fraction of all values but zeros at each end; it is never wider than minimum
        to maximum."""
        counts = self._without_zeros()
        negative = _empty() if self.negative is None else self.negative
        positive, cut = counts - negative, (1 - fraction) * counts.sum()
        low = -self._cut(negative, cut, -self.minimum) if self.minimum < 0 else self.minimum
        high = self._cut(positive, cut, self.maximum) if self.maximum > 0 else self.maximum
        return low, high

    def _cut(self, counts: np.ndarray, cut: float, most: float) -> float:
        return self._quantile(counts, max(0.0, 1 - cut / max(counts.sum(), 1)), most)

    def _quantile(self, counts: np.ndarray, fraction: float, most: float) -> float:
        if not self.reach or not counts.any():
            return most
        below = np.concatenate([[0], np.cumsum(counts)])
        last = int(np.searchsorted(below, below[-1]))  # of several bins where nothing is added, the first
        found = np.interp(fraction * below[-1], below[: last + 1], np.arange(last + 1)) * (self.reach / BINS)
        return min(float(found), most)

    def _without_zeros(self) -> np.ndarray:
        counts = self.counts.copy()
        counts[0] -= self.zeros
        return counts


def _power_above(magnitude: float) -> float:
    """The least power of two above a magnitude, 2**-100 at least; 0.0 for 0.0."""
    return math.ldexp(1.0, max(math.frexp(magnitude)[1], -100)) if magnitude else 0.0


def _halved(counts: np.ndarray) -> np.ndarray:
    """Counts over the doubled range."""
    return np.concatenate([counts.reshape(-1, 2).sum(1), np.zeros(BINS // 2, np.int64)])
