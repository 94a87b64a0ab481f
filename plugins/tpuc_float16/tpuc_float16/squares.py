"""Sums of squares, which F16 has not the range for: the square of 256 is beyond it, that of 1/8192 is none of its numbers.

Normalizations and power spectra come as chains of plain ops: a square, sums or means of it, something added, a root or a logarithm.
From the square to the root such a chain stays in F32. A square that goes into no sum, root or logarithm is a polynomial's, and stays
where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpuc_core.ir import is_weight, tensor_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdsl.ir import Block, Operation

    from tpuc_core.ir import Model

ENDS = {"top.Sqrt", "top.Rsqrt", "top.Log"}
"""Ops that bring squares back into the range of what was squared."""
SUMS = {"top.Reduce", "top.AvgPool"}
BETWEEN = SUMS | {"top.Add", "top.AddConst", "top.Sub", "top.SubConst", "top.MulConst", "top.Div", "top.MaxConst", "top.MinConst", "top.Max", "top.Clip", "top.MatMul",
                  "top.Permute", "top.Reshape", "top.Squeeze", "top.Unsqueeze", "top.Slice", "top.Concat"}
REASON = "squares leave the range of F16"


def sums_of_squares(model: Model) -> dict[str, str]:
    """The ops from a square to its last sum, root or logarithm, each with the reason why F16 is not for it; by the name of the result."""
    ops = list(model.ops())
    leading: set[Operation] = set()
    for op in reversed(ops):  # users before what they use
        if op.name in ENDS | SUMS or (op.name in BETWEEN and any(user in leading for user in _users(op))):
            leading.add(op)
    wide: set[Operation] = set()
    for op in ops:
        is_reached = op in leading and any(_is_inside(value.owner, wide) for value in op.operands)
        if is_reached or (_is_square(op) and any(user in leading for user in _users(op))):
            wide.add(op)
    return {tensor_name(op.results[0]): REASON for op in ops if op in wide}


def _is_inside(op: Operation | Block, wide: set[Operation]) -> bool:
    return op in wide and op.name not in ENDS  # type: ignore[union-attr]


def _is_square(op: Operation) -> bool:
    if op.name == "top.Mul":
        return len(op.operands) == 2 and op.operands[0] is op.operands[1] and not is_weight(op.operands[0])
    return op.name == "top.Pow" and op.get("exponent") == 2  # type: ignore[attr-defined]


def _users(op: Operation) -> Iterator[Operation]:
    return (use.operation for result in op.results for use in result.uses)
