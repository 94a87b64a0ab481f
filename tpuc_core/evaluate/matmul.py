"""Matrix products."""

from __future__ import annotations

import numpy as np

from tpuc_core.evaluate.activation import fused_relu
from tpuc_core.evaluate.registry import Array, BoundOp, evaluates


@evaluates("MatMul")
def matmul(op: BoundOp, left: Array, right: Array, bias: Array | None) -> Array:
    """left [..., m, k] @ right [..., k, n] + bias [n].

    right_transpose: right is [..., n, k]; left_transpose: left is [..., k, m]; output_transpose: the result is
    [..., n, m]; hdim_is_batch: dims 1 and 2 of four change places before and after the product.
    """
    is_heads = bool(op.get("hdim_is_batch"))
    if is_heads:
        left, right = left.swapaxes(1, 2), right.swapaxes(1, 2)
    if op.get("left_transpose"):
        left = left.swapaxes(-1, -2)
    if op.get("right_transpose"):
        right = right.swapaxes(-1, -2)
    y = left @ right
    if bias is not None:
        y = y + bias.reshape(-1) if bias.size == y.shape[-1] else y + bias
    if is_heads:
        y = y.swapaxes(1, 2)
    elif op.get("output_transpose"):
        y = y.swapaxes(-1, -2)
    return fused_relu(op, np.ascontiguousarray(y).reshape(op.shape))
