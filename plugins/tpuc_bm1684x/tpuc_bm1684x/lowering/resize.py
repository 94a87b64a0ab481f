"""Interp in floats: along each axis a product with a matrix that holds the weights of the cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.chain import Chain
from tpuc_bm1684x.lowering.registry import FLOATS, lowers
from tpuc_core.ir import shape_of

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp


def _obstacle(op: TensorOp) -> str | None:
    if op.get("mode") not in ("linear", "nearest"):
        return f"{op.get('mode')} interpolation"
    rank = len(shape_of(op.operands[0]))
    return None if rank == 4 else f"an input of {rank} dimensions"


@lowers("Interp", precision=FLOATS, unless=_obstacle)
def interp_float(op: TensorOp, lowering: Lowering) -> SSAValue:
    """Rows of w cells times `OP_columns` [w, ow], then, transposed, columns of h cells times `OP_rows` [h, oh]."""
    n, c, h, w = shape_of(op.operands[0])
    oh, ow = shape_of(op.results[0])[2:]
    chain = Chain(op, lowering, lowering.real(op.operands[0], op))
    if ow != w:
        chain.reshape(n * c * h, w).multiply(interpolation_matrix(op, w, ow, op.get("scale_w")), "columns")
    if oh != h:
        chain.reshape(n * c, h, ow).permute(0, 2, 1).reshape(n * c * ow, h)
        chain.multiply(interpolation_matrix(op, h, oh, op.get("scale_h")), "rows").reshape(n * c, ow, oh).permute(0, 2, 1)
    return chain.end_with_reshape()


def interpolation_matrix(op: TensorOp, size: int, wanted: int, scale: float) -> np.ndarray:
    """f32 [size, wanted]: how much of each input cell is in each result cell, as tpuc_core.evaluate.resize defines it."""
    from tpuc_core.evaluate.resize import positions

    where = positions(op.get("coord_mode"), size, wanted, scale)
    columns = np.arange(wanted)
    matrix = np.zeros((size, wanted), np.float32)
    if op.get("mode") == "nearest":
        cell = np.floor(where) if op.get("coord_mode") == "asymmetric" else np.ceil(where - 0.5)
        matrix[np.clip(cell, 0, size - 1).astype(np.int64), columns] = 1
        return matrix
    where = np.clip(where, 0, size - 1)
    low = np.floor(where).astype(np.int64)
    part = (where - low).astype(np.float32)
    np.add.at(matrix, (low, columns), 1 - part)
    np.add.at(matrix, (np.minimum(low + 1, size - 1), columns), part)
    return matrix
