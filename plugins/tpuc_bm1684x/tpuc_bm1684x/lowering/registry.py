"""Which function lowers which op in which precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp

LowerOp = Callable[["TensorOp", "Lowering"], "SSAValue"]
Obstacle = Callable[["TensorOp"], "str | None"]
"""The reason why an op cannot be lowered so, as a noun phrase; None where it can."""


@dataclass(frozen=True)
class Rule:
    """How to lower one kind of op in one precision, and what may stand against it."""

    lower: LowerOp
    obstacle: Obstacle


RULES: dict[tuple[str, Precision], Rule] = {}


FLOATS = (Precision.F32, Precision.F16, Precision.BF16)
HALVES = (Precision.F16, Precision.BF16)


def lowers(*kinds: str, precision: Precision | Sequence[Precision], unless: Obstacle = lambda op: None) -> Callable[[LowerOp], LowerOp]:
    """Register a function for `top` ops, named without the dialect, or ops of another one: it makes `tpu` ops and returns
    the result's value. One for several float precisions makes them of the element type `Lowering.element`."""
    precisions = [precision] if isinstance(precision, Precision) else precision

    def register(function: LowerOp) -> LowerOp:
        for kind in kinds:
            for each in precisions:
                RULES[kind if "." in kind else f"top.{kind}", each] = Rule(function, unless)
        return function

    return register


def obstacle(op: TensorOp, precision: Precision) -> str | None:
    """None if there is a way to lower `op` in `precision`, else why not, as a noun phrase."""
    rule = RULES.get((op.name, precision))
    if rule is None:
        return f"no {precision} form of {op.name}"
    return rule.obstacle(op)


def kernel_obstacle(kind: str) -> str | None:
    """None if the chip has a kernel for `tpu.KIND`, else that it has none."""
    from tpuc_bm1684x.kernels import KERNELS

    return None if f"tpu.{kind}" in KERNELS else f"no kernel for tpu.{kind}"
