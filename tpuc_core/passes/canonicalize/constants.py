"""Arithmetic with constants of one element, and x * Sigmoid(x)."""

from __future__ import annotations

import numpy as np
from xdsl.pattern_rewriter import PatternRewriter, op_type_rewrite_pattern

from tpuc_core.ir import is_weight, shape_of, top, with_shape
from tpuc_core.passes.canonicalize.patterns import (
    ModelPattern,
    are_ranked,
    count_of,
    producer,
    relu_attributes,
    replace,
)


class ScalarOperand(ModelPattern):
    """Add, Sub, Mul, Div, Max or Min with a weight of one element becomes the op with a constant."""

    def match_and_rewrite(self, op, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, top.AddOp | top.SubOp | top.MulOp | top.DivOp | top.MaxOp | top.MinOp):
            return
        if len(op.operands) != 2 or not are_ranked((*op.operands, *op.results)) or self._is_weighted(op):
            return
        for index in (0, 1):
            tensor, constant = op.operands[1 - index], self.scalar(op.operands[index])
            if constant is not None and not is_weight(tensor) and shape_of(tensor) == shape_of(op.results[0]):
                self._rewrite(op, rewriter, tensor, constant, is_left=index == 0)
                return

    @staticmethod
    def _is_weighted(op) -> bool:
        return ("coeff" in op.kinds() and op.get("coeff") is not None) or ("is_reverse" in op.kinds() and op.get("is_reverse"))

    @staticmethod
    def _rewrite(op, rewriter: PatternRewriter, x, constant: float, *, is_left: bool) -> None:
        match op:
            case top.MaxOp():
                replace(rewriter, op, top.MaxConstOp, [x], const_val=constant)
                return
            case top.MinOp():
                replace(rewriter, op, top.MinConstOp, [x], const_val=constant)
                return
            case top.AddOp():
                kind, attributes = top.AddConstOp, {"const_val": constant}
            case top.MulOp():
                kind, attributes = top.MulConstOp, {"const_val": constant}
            case top.SubOp() if is_left:
                kind, attributes = top.SubConstOp, {"const_val": constant, "is_reverse": True}
            case top.SubOp():
                kind, attributes = top.AddConstOp, {"const_val": -constant}
            case top.DivOp() if is_left:
                kind, attributes = top.ReciprocalOp, {"const_val": constant}
            case _ if constant == 0:
                return
            case _:
                kind, attributes = top.MulConstOp, {"const_val": float(np.float32(1.0) / np.float32(constant))}
        replace(rewriter, op, kind, [x], **attributes, **relu_attributes(op))


class SigmoidTimesInput(ModelPattern):
    """x * Sigmoid(x) becomes SiLU(x)."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.MulOp, rewriter: PatternRewriter, /) -> None:
        if len(op.operands) != 2 or op.get("do_relu"):
            return
        for index in (0, 1):
            sigmoid = producer(op.operands[index], top.SigmoidOp)
            if sigmoid is None or sigmoid.operands[0] is not op.operands[1 - index]:
                continue
            if (sigmoid.get("log"), sigmoid.get("scale"), sigmoid.get("bias")) == (False, 1.0, 0.0):
                replace(rewriter, op, top.SiLUOp, [sigmoid.operands[0]])
                rewriter.erase(sigmoid)
                return


class FullRankWeight(ModelPattern):
    """A weight that broadcasts gets as many dimensions as the result."""

    def match_and_rewrite(self, op, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, _BROADCASTING) or not are_ranked((*op.operands, *op.results)):
            return
        rank = len(shape_of(op.results[0]))
        for value in op.operands:
            if is_weight(value) and value.has_one_use() and count_of(value) > 1 and len(shape_of(value)) < rank:
                shape = (1,) * (rank - len(shape_of(value))) + shape_of(value)
                rewriter.replace_value_with_new_type(value, with_shape(value.type, shape))


_BROADCASTING = (top.AddOp, top.SubOp, top.MulOp, top.DivOp, top.MaxOp, top.MinOp, top.LayerNormOp)

PATTERNS = [FullRankWeight, ScalarOperand, SigmoidTimesInput]
