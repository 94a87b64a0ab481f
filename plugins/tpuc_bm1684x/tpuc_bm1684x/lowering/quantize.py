"""Integer arithmetic of quantization: rounding, weight scales, and the multiplier and shift that stand for a real factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tpuc_core.plan import TensorQuantization

MOST_SHIFT = 30
LIMIT_32_BIT = 2**31 - 1
LIMIT_16_BIT = 2**15
LEAST_WEIGHT_SCALE = np.float32(1e-5)
MOST_PLACES = 256
GRID_TOLERANCE = 1e-3
"""In steps: places up to 255 are f32 numbers of 24 bits, so their rounding is far below it."""


def round_half_away(x: np.ndarray) -> np.ndarray:
    """Nearest integer, halves away from zero; same dtype and shape as `x`."""
    nearest = np.rint(x)
    tie = np.abs(x - nearest) == 0.5
    if tie.any():
        nearest[tie] = np.trunc(x[tie]) + np.sign(x[tie])
    return nearest


def quantize(x: np.ndarray, scale: np.ndarray | float, low: int, high: int, dtype: type) -> np.ndarray:
    """clip(round_half_away(x / scale), low, high) as `dtype`."""
    quotient = np.divide(x, scale)
    if quotient.ndim == 0:
        quotient = quotient[None].reshape(1)
    return np.clip(round_half_away(quotient), low, high, out=quotient).astype(dtype).reshape(np.shape(x))


def quantize_real(x: np.ndarray, wanted: TensorQuantization) -> np.ndarray:
    """Reals as the tensor's integers, int8 or uint8: clip(round_half_away(x / scale) + zero point)."""
    return np.clip(round_half_away(x / wanted.scale) + wanted.zero_point, *wanted.limits).astype(np.int8 if wanted.is_signed else np.uint8)


def quantize_filter(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 weights with one scale for each output channel (axis 0), and the scales, f32 [oc].

    Weights of a network that was quantized before lie on a grid: channels whose places on it fit 8 bits keep them, without error.
    """
    rows = np.ascontiguousarray(weights, np.float32).reshape(weights.shape[0], -1)
    largest = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    scales = np.maximum(largest / np.float32(127), LEAST_WEIGHT_SCALE)
    values = quantize(rows, scales[:, None], -128, 127, np.int8)
    _keep_places(rows, values, scales)
    return values.reshape(weights.shape), scales


def _keep_places(rows: np.ndarray, values: np.ndarray, scales: np.ndarray) -> None:
    """Where rows of weights lie on a grid: its places as values, its step as scale."""
    step = grid_step(rows)
    if step is not None:
        places = np.rint(rows / step)
        fits = (places.min(axis=1) >= -128) & (places.max(axis=1) <= 127)
        values[fits], scales[fits] = places[fits], step


def grid_step(weights: np.ndarray) -> float | None:
    """The step of a grid of at most 256 places, 0 among them, that all the weights lie on; None where there is none."""
    flat = weights.reshape(-1)
    if np.unique(flat[:MOST_PLACES * 16]).size > MOST_PLACES:
        return None
    distinct = np.unique(flat).astype(np.float64)
    if not 1 < distinct.size <= MOST_PLACES:
        return None
    step = np.diff(distinct).min()
    places = np.rint(distinct / step)
    step = float((distinct * places).sum() / (places * places).sum())
    places = np.rint(distinct / step)
    is_grid = np.abs(distinct - places * step).max() <= GRID_TOLERANCE * step and places.max() - places.min() < MOST_PLACES
    return step if is_grid else None


def quantize_matrix(weights: np.ndarray, is_per_column: bool) -> tuple[np.ndarray, np.ndarray]:
    """int8 [k, n] weights with one scale, or one for each column as in quantize_filter; and the scales, f64 [1] or [n]."""
    weights = np.ascontiguousarray(weights, np.float32)
    largest = np.maximum(weights.max(axis=0), -weights.min(axis=0))
    if not is_per_column:
        largest = largest.max(keepdims=True)
    scales = np.maximum(largest.astype(np.float64) / 127, LEAST_WEIGHT_SCALE)
    values = quantize(weights, scales.astype(np.float32), -128, 127, np.int8)
    if is_per_column:
        _keep_places(weights.T, values.T, scales)
    return values, scales


def quantize_bias(bias: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """int32 bias in units of accumulator steps; `scales` are weight scale times input scale, one or as many as `bias`."""
    steps = round_half_away(np.asarray(bias, np.float64) / np.asarray(scales, np.float64))
    return np.clip(steps, -(2**31), 2**31 - 1).astype(np.int32)


def multipliers_and_shifts(factors: np.ndarray | float, limit: int = LIMIT_32_BIT) -> tuple[list[int], list[int]]:
    """For each factor the (m, n), 0 <= n <= 30 and |m| < limit, with m / 2^n nearest to it.

    Nearness is measured in f32, and the smallest n among equals wins, so most multipliers have about 23 bits: the error of
    a longer one is the same f32 number. A factor beyond `limit` gives the largest multiplier that there is.
    """
    factors = np.atleast_1d(np.asarray(factors, np.float32)).astype(np.float64)[:, None]
    powers = np.exp2(np.arange(MOST_SHIFT + 1))[None, :]
    candidates = round_half_away(factors * powers)
    errors = np.abs(candidates / powers - factors).astype(np.float32)
    errors[np.abs(candidates) >= limit] = np.inf
    shifts = errors.argmin(axis=1)
    chosen = np.take_along_axis(candidates, shifts[:, None], axis=1)[:, 0]
    chosen = np.clip(chosen, -limit + 1, limit - 1)
    return chosen.astype(np.int64).tolist(), shifts.tolist()


def multipliers_of_a_sum(factors: np.ndarray) -> tuple[list[int], int]:
    """The m for each factor and one n, m / 2^n nearest to it: the largest n with which a sum of (9 bits * m) fits 32 bits."""
    factors = np.asarray(factors, np.float64)
    most = 2.0**31 / (2**8 * factors.size)
    shift = int(np.clip(np.floor(np.log2(most / np.abs(factors).max())), 0, MOST_SHIFT))
    return np.clip(round_half_away(factors * 2.0**shift), -most, most).astype(np.int64).tolist(), shift
