"""How sure a measured accuracy is, and whether two models differ on the same images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
_Z = 1.959963984540054
"""The normal quantile of CONFIDENCE, both sides."""


def wilson_interval(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a rate of which `hits` of `count` trials were seen, in 0 .. 1. E. B. Wilson, 1927.

    It stays within 0 .. 1 and is sound for small counts and for rates near the ends, where the normal one is not.
    """
    if count <= 0:
        return 0.0, 1.0
    rate, z2 = hits / count, _Z * _Z
    centre = (rate + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z / (1 + z2 / count) * math.sqrt(rate * (1 - rate) / count + z2 / (4 * count * count))
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == count else min(1.0, centre + half)
    return low, high


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """The two-sided p value of McNemar's test, exact: how often a fair coin thrown for each image that just one of two models
    gets right falls as unevenly as this. Images that both get right or wrong say nothing about a difference."""
    count = only_first + only_second
    tail = sum(math.comb(count, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, float(2 * tail / 2**count))


@dataclass(frozen=True)
class Paired:
    """Two models on the same images: how many just the first, and just the second one got right."""

    count: int
    only_first: int
    only_second: int

    @classmethod
    def of(cls, first: Sequence[bool], second: Sequence[bool]) -> Paired:
        """From a verdict for each image."""
        pairs = list(zip(first, second, strict=True))
        return cls(len(pairs), sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs))

    @property
    def difference(self) -> float:
        """Points of accuracy by which the second one is better."""
        return 100.0 * (self.only_second - self.only_first) / max(self.count, 1)

    @property
    def p_value(self) -> float:
        return mcnemar_exact(self.only_first, self.only_second)

    def sentence(self) -> str:
        """What the comparison means."""
        if not self.only_first + self.only_second:
            return "both are right on the same images"
        verdict = "they differ" if self.p_value < 1 - CONFIDENCE else "these images do not show that they differ"
        return (f"{self.only_first} images only the first gets right, {self.only_second} only the second: {self.difference:+.2f} points; "
                f"two equally good models would be this uneven with p = {self.p_value:.3g}, so {verdict}")
