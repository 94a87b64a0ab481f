"""What the rewrite patterns share: a model with weights, and questions about values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.func import ReturnOp
from xdsl.ir import OpResult, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern

from tpuc_core.ir import Model, TensorOp, has_shape, is_none, is_weight, shape_of


@dataclass
class ModelPattern(RewritePattern):
    """A rewrite that may read and make weights."""

    model: Model

    def weight(self, value: SSAValue) -> np.ndarray:
        """The values of a weight, in f64: what is folded is rounded once."""
        return self.model.weight(value).astype(np.float64)

    def scalar(self, value: SSAValue) -> float | None:
        """The value of a weight of one element, None for another tensor."""
        is_scalar = is_weight(value) and count_of(value) == 1
        return float(self.model.weight(value).ravel()[0]) if is_scalar else None


def count_of(value: SSAValue) -> int:
    """How many elements a ranked tensor has."""
    return int(np.prod(shape_of(value)))


def producer(value: SSAValue, *kinds: type[TensorOp]) -> TensorOp | None:
    """The op that makes a value, if it is of one of these kinds and nothing else uses what it makes."""
    if isinstance(value, OpResult) and isinstance(value.op, kinds) and value.has_one_use():
        return value.op
    return None


def is_returned(value: SSAValue) -> bool:
    """Whether a function returns this value, so that it must keep its name."""
    return any(isinstance(use.operation, ReturnOp) for use in value.uses)


def are_ranked(values: Iterable[SSAValue]) -> bool:
    """Whether the shapes of all these are known; `none` counts as known."""
    return all(is_none(v) or has_shape(v) for v in values)


def replace(rewriter: PatternRewriter, op: TensorOp, kind: type[TensorOp], operands: list[SSAValue], **attributes) -> TensorOp:
    """Put an op of another kind in the place of one, with its name and type."""
    new = kind.make(op.names, operands, [r.type for r in op.results], **attributes)
    rewriter.replace(op, new)
    return new


def merge_into(rewriter: PatternRewriter, op: TensorOp, earlier: TensorOp) -> None:
    """Let an earlier op stand for this one too: it takes over name and type of the result."""
    earlier.location = op.location
    rewriter.replace_value_with_new_type(earlier.results[0], op.results[0].type)
    rewriter.replace(op, [], [earlier.results[0]])


def relu_attributes(op: TensorOp) -> dict[str, object]:
    """The fused Relu of an op, to hand on to another."""
    return {"do_relu": op.get("do_relu"), "relu_limit": op.get("relu_limit")}
