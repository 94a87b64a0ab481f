"""Where a quantized model loses accuracy: causes, and the roundings that stand for them."""

from __future__ import annotations

from enum import StrEnum

import ml_dtypes
import numpy as np

from tpuc_core.plan import Precision, TensorQuantization


class Cause(StrEnum):
    """What happens to numbers on their way through one op."""

    CLIPPING = "clipping"
    ROUNDING = "activation rounding"
    WEIGHTS = "weight rounding"
    F16 = "float format F16"
    BF16 = "float format BF16"


FORMATS = {Precision.F16: Cause.F16, Precision.BF16: Cause.BF16}
"""The cause that is a float format's; F32 has none to speak of."""
_DTYPES = {Precision.F16: np.float16, Precision.BF16: ml_dtypes.bfloat16}


def clipped(x: np.ndarray, quantization: TensorQuantization) -> np.ndarray:
    """What lies beyond the 8-bit range brought to its ends; nothing rounded."""
    low, high = ((limit - quantization.zero_point) * quantization.scale for limit in quantization.limits)
    return np.clip(x, np.float32(low), np.float32(high))


def rounded(x: np.ndarray, quantization: TensorQuantization) -> np.ndarray:
    """The nearest 8-bit values, halves away from zero; what lies beyond the range is left alone."""
    levels = x / np.float32(quantization.scale)
    nearest = np.trunc(levels + np.copysign(np.float32(0.5), levels)) * np.float32(quantization.scale)
    return np.where(clipped(x, quantization) == x, nearest, x)


def quantized(x: np.ndarray, quantization: TensorQuantization) -> np.ndarray:
    """Both: what an 8-bit tensor holds."""
    return rounded(clipped(x, quantization), quantization)


def in_format(x: np.ndarray, precision: Precision) -> np.ndarray:
    """float32 values as F16 or BF16 holds them; infinite beyond its range."""
    with np.errstate(over="ignore"):
        return x.astype(_DTYPES[precision]).astype(np.float32)
