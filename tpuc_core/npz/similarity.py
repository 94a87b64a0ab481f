"""The figures of a comparison in one pass over two tensors, block by block, so that every intermediate stays in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

BLOCK = 8192  # elements; BLAS starts no threads for dot products of this size
TINY = 1e-7
SQNR_LIMIT = 10000.0  # in place of an infinite ratio
ABSOLUTE = 1e-8  # what may differ where the reference is zero


class Figures(NamedTuple):
    """close_order: the first order n for which |t - r| <= 1e-8 + 10**-n |r| everywhere, or None."""

    close_order: int | None
    cosine: float
    euclidean: float
    sqnr: float


def measure(target: np.ndarray, reference: np.ndarray, orders: Sequence[int]) -> Figures:
    """The figures of two flat tensors of one size, computed in float64; `orders` falling. Infinite values are equal to
    themselves, and count as +-1e4 in the figures; NaN is close to nothing, and counts as 0."""
    order = None
    if not (np.isfinite(target).all() and np.isfinite(reference).all()):
        order = next((n for n in orders if np.allclose(target, reference, rtol=10.0**-n, atol=ABSOLUTE)), None)
        orders = ()
        target, reference = (np.nan_to_num(x, nan=0.0, posinf=SQNR_LIMIT, neginf=-SQNR_LIMIT) for x in (target, reference))
    left = list(orders)
    tt = rr = tr = dd = t_sum = d_sum = 0.0
    for start in range(0, target.size, BLOCK):
        t = target[start : start + BLOCK].astype(np.float64)
        r = reference[start : start + BLOCK].astype(np.float64)
        d = t - r
        while left and (np.abs(d) > ABSOLUTE + 10.0 ** -left[0] * np.abs(r)).any():
            del left[0]
        tt, rr, tr, dd = tt + float(t @ t), rr + float(r @ r), tr + float(t @ r), dd + float(d @ d)
        t_sum, d_sum = t_sum + float(t.sum()), d_sum + float(d.sum())
    cosine = tr / np.sqrt(tt * rr) if tt and rr else 0.0
    euclidean = 1.0 - np.sqrt(dd) / (np.sqrt(max(tt + 2 * tr + rr, 0.0)) / 2 + TINY)
    n = max(target.size, 1)
    sqnr = _decibels(tt / n - (t_sum / n) ** 2, dd / n - (d_sum / n) ** 2)
    return Figures(left[0] if left else order, float(cosine), float(euclidean), sqnr)


def _decibels(signal: float, noise: float) -> float:
    if noise <= 0.0:
        return SQNR_LIMIT
    return 10.0 * float(np.log10(signal / noise)) if signal > 0.0 else -SQNR_LIMIT
