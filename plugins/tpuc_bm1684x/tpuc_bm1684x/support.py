"""What the chip can run: the answer to a quantizer's question."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xdsl.ir import Operation

    from tpuc_core.plan import Precision


def supports(op: Operation, precision: Precision, *, is_asymmetric: bool = False) -> str | None:
    """None if a `top` op can be lowered in that precision, else the reason why not, as a noun phrase."""
    from tpuc_bm1684x.lowering import obstacle
    from tpuc_core.ir import TensorOp

    if not isinstance(op, TensorOp):
        return f"no form of {op.name}"
    return obstacle(op, precision)
