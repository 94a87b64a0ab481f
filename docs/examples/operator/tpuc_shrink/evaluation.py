"""The op in float: what calibration and comparisons compute."""

from __future__ import annotations

import numpy as np

from tpuc_core.evaluate.registry import BoundOp, evaluates


@evaluates("shrink.Shrink")
def shrink(op: BoundOp, x: np.ndarray) -> np.ndarray:
    return shrunk(x, op.get("lambd"), op.get("bias"))


def shrunk(x: np.ndarray, lambd: float, bias: float) -> np.ndarray:
    """ONNX Shrink of an array, in the array's type."""
    return np.where(x < -lambd, x + bias, np.where(x > lambd, x - bias, 0)).astype(x.dtype)
