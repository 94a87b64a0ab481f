"""What the machine computes, on arrays: the only place that knows. Interpreter and machine both call it."""

from __future__ import annotations

import numpy as np


def dense(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """One product after the other, in the machine's order; f32 [m, n]."""
    y = np.broadcast_to(bias, (x.shape[0], weight.shape[1])).astype(np.float32)
    for k in range(x.shape[1]):
        y += x[:, k, None] * weight[k]
    return y


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, np.float32(0))


def add(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return left + right
