"""What several ops of the `top` dialect share: fused Relu, rounding, broadcasting, axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tpuc_core.ir.dialects.base import Shape, TensorOp, default
from tpuc_core.ir.dialects.kinds import BOOL, F64, one_of

ROUND_MODE = one_of(
    "HalfAwayFromZero", "HalfUp", "HalfDown", "HalfToEven", "HalfToOdd", "HalfTowardsZero", "TowardsZero", "Up", "Down"
)


class FusesRelu(TensorOp):
    """An op that may end with y = max(y, 0), and with y = min(y, relu_limit) where that is positive."""

    do_relu = default(BOOL, False)
    relu_limit = default(F64, -1.0)


def normalized_axis(op: TensorOp, axis: int, rank: int) -> int:
    """The axis counted from the front. Raises TpucError for one that a tensor of that rank does not have."""
    if not -rank <= axis < rank:
        raise op.error(f"axis {axis} is outside a tensor of {rank} dimensions")
    return axis % rank


def broadcast(op: TensorOp, shapes: Sequence[Shape | None]) -> Shape:
    """The common shape by the rules of numpy. Raises TpucError where there is none."""
    present = [shape for shape in shapes if shape is not None]
    try:
        return tuple(int(n) for n in np.broadcast_shapes(*present))
    except ValueError as error:
        raise op.error(f"shapes {' and '.join(str(list(s)) for s in present)} do not broadcast") from error
