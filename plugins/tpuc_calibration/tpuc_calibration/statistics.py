"""Running statistics of one tensor: least, greatest, and a histogram of magnitudes, in constant memory.

The histogram's range is the power of two that holds the largest magnitude so far. It doubles when a larger one comes: two
neighbouring bins become one, which loses nothing, because bins of the doubled range are exact unions. So the counts do not
depend on the order of the samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from tpuc_kernels import float_ops

from tpuc_core.errors import TpucError

BINS = 8192  # of the running histogram; at least half of them lie below the largest magnitude


@dataclass
class TensorStatistics:
    """Of all values seen: `minimum`, `maximum`, `counts` of magnitudes in equal bins over [0, reach), and how many are
    `zeros`, which the first bin holds too."""

    minimum: float = math.inf
    maximum: float = -math.inf
    reach: float = 0.0
    zeros: int = 0
    counts: np.ndarray = field(default_factory=lambda: np.zeros(BINS, np.int64))

    @property
    def magnitude(self) -> float:
        """The largest absolute value."""
        return max(abs(self.minimum), abs(self.maximum))

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
        self._widen(max(abs(low), abs(high)))
        if self.reach:
            float_ops.histogram(flat, BINS / self.reach, self.counts)
        else:
            self.counts[0] += flat.size

    def _widen(self, magnitude: float) -> None:
        if magnitude == 0.0:
            return
        wanted = math.ldexp(1.0, max(math.frexp(magnitude)[1], -100))
        if not self.reach:
            self.reach = wanted
        while self.reach < wanted:
            self.counts = np.concatenate([self.counts.reshape(-1, 2).sum(1), np.zeros(BINS // 2, np.int64)])
            self.reach *= 2

    def histogram(self, bins: int) -> np.ndarray:
        """Counts (float64) of all values but zeros, in `bins` equal bins over [0, magnitude]; a running bin that lies
        across an edge is shared out by length."""
        if not self.reach:
            return np.zeros(bins)
        counts = self.counts.copy()
        counts[0] -= self.zeros
        below = np.concatenate([[0.0], np.cumsum(counts)])
        edges = np.linspace(0.0, self.magnitude * BINS / self.reach, bins + 1)
        cumulated = np.interp(edges, np.arange(BINS + 1), below)
        cumulated[-1] = below[-1]
        return np.diff(cumulated)
