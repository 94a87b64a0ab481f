"""The mean input of each channel of a filter, over samples: sums in integers, so that neither order nor grouping changes them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

UNIT = 2.0**64
"""Steps of the sums: far below what f32 tells apart beside 1."""


@dataclass
class ChannelSums:
    """Of `count` samples, the sums of the channels' means, in steps of 1 / UNIT."""

    count: int = 0
    sums: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, array: np.ndarray, axis: int) -> ChannelSums:
        """One sample whose channels lie along an axis. Every value is finite."""
        others = tuple(i for i in range(array.ndim) if i != axis)
        return cls(1, [round(mean * UNIT) for mean in array.mean(axis=others, dtype=np.float64).tolist()])

    def merge(self, other: ChannelSums) -> None:
        """Take in what another one has seen, of the same op."""
        self.sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)] if self.count else list(other.sums)
        self.count += other.count

    @property
    def means(self) -> np.ndarray:
        """float64 [channels]."""
        return np.array([total / (self.count * UNIT) for total in self.sums], np.float64)
