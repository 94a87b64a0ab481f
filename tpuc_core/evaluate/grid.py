"""Real values of quantized tensors: those that their integers stand for."""

from __future__ import annotations

import numpy as np

from tpuc_core.plan import TensorQuantization


def on_grid(array: np.ndarray, quantization: TensorQuantization) -> np.ndarray:
    """Each value as the nearest that a stored integer stands for, halves away from zero; float32."""
    steps = array / np.float32(quantization.scale)
    return real_values(np.trunc(steps + np.copysign(np.float32(0.5), steps)), quantization)


def steps_of(array: np.ndarray, quantization: TensorQuantization) -> np.ndarray:
    """Values on the grid as stored integers less the zero point, float32."""
    return np.rint(array / np.float32(quantization.scale))


def real_values(steps: np.ndarray, quantization: TensorQuantization) -> np.ndarray:
    """The float32 values of stored integers less the zero point; what the type does not hold becomes its least or greatest."""
    low, high = quantization.limits
    held = np.clip(steps, low - quantization.zero_point, high - quantization.zero_point)
    return (held.astype(np.float32) * np.float32(quantization.scale)).astype(np.float32, copy=False)
