"""The real values of a constant as the chip holds it in 8 bits: for measuring what rounding it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.filters import IntegerFilter, stored_integers
from tpuc_bm1684x.lowering.quantize import quantize_matrix
from tpuc_core.ir import is_weight

if TYPE_CHECKING:
    from xdsl.ir import Operation

    from tpuc_core.ir import Model

FILTERED = {"top.Conv", "top.Deconv"}


def stored_weight(model: Model, op: Operation) -> np.ndarray | None:
    """Operand 1 of a Conv, Deconv or MatMul of a `top` model, in its own shape, f32; None for other ops, and where it is no constant."""
    if op.name not in {*FILTERED, "top.MatMul"} or not is_weight(op.operands[1]):
        return None
    right = op.operands[1]
    if op.name in FILTERED:
        filters = IntegerFilter.of(right, model)
        return _real(filters.values, filters.scales.reshape(-1, *(1,) * (filters.values.ndim - 1)), filters.zero_point)
    if (stored := stored_integers(right, model)) is not None:
        return _real(stored.values, stored.scales, stored.zero_point)
    matrix = model.weight(right)
    is_transposed = op.get("right_transpose")  # type: ignore[attr-defined]
    if matrix.ndim != 2:
        return None
    values, scales = quantize_matrix(matrix.T if is_transposed else matrix, True)
    real = _real(values, scales, 0)
    return np.ascontiguousarray(real.T) if is_transposed else real


def _real(values: np.ndarray, scales: np.ndarray, zero_point: int) -> np.ndarray:
    return ((values.astype(np.float64) - zero_point) * scales).astype(np.float32)
