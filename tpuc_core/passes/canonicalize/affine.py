"""Factors and offsets of one value a channel: BatchNorm, Mul and Add become Scale; Scale goes into the convolution before it."""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue
from xdsl.pattern_rewriter import PatternRewriter, op_type_rewrite_pattern

from tpuc_core.ir import TensorOp, is_none, is_weight, set_input_means, shape_of, top
from tpuc_core.passes.canonicalize.patterns import (
    ModelPattern,
    are_ranked,
    merge_into,
    producer,
    relu_attributes,
    replace,
)


class BatchNormToScale(ModelPattern):
    """BatchNorm becomes Scale: a = gamma / sqrt(variance + epsilon), b = beta - mean * a."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.BatchNormOp, rewriter: PatternRewriter, /) -> None:
        mean, variance = (self.weight(v).ravel() for v in op.operands[1:3])
        gamma, beta = (None if is_none(v) else self.weight(v).ravel() for v in op.operands[3:5])
        scale = (1.0 if gamma is None else gamma) / np.sqrt(variance + op.get("epsilon"))
        bias = (0.0 if beta is None else beta) - mean * scale
        factors = [
            self.model.add_weight(f"{op.label}_{word}", array.astype(np.float32).reshape(1, -1), op)
            for word, array in (("scale", scale), ("bias", bias))
        ]
        replace(rewriter, op, top.ScaleOp, [op.operands[0], *factors], **relu_attributes(op))


class ChannelMulToScale(ModelPattern):
    """Mul with a weight of one value a channel becomes Scale without offset."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.MulOp, rewriter: PatternRewriter, /) -> None:
        found = _channel_operand(op)
        if found is not None:
            x, weight = found
            offset = self.model.add_weight(f"{op.label}_bias", np.zeros(shape_of(weight), np.float32), op)
            replace(rewriter, op, top.ScaleOp, [x, weight, offset], **relu_attributes(op))


class ChannelAddToScale(ModelPattern):
    """Add with a weight of one value a channel becomes Scale with factors of 1."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.AddOp, rewriter: PatternRewriter, /) -> None:
        found = _channel_operand(op) if op.get("coeff") is None else None
        if found is not None:
            x, weight = found
            factor = self.model.add_weight(f"{op.label}__scale_weight", np.ones(shape_of(weight), np.float32), op)
            replace(rewriter, op, top.ScaleOp, [x, factor, weight], **relu_attributes(op))


class ScaleOfScale(ModelPattern):
    """Two Scales in a row become one."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.ScaleOp, rewriter: PatternRewriter, /) -> None:
        first = producer(op.operands[0], top.ScaleOp)
        if first is None or first.get("do_relu"):
            return
        (a1, b1), (a2, b2) = (_factors(self, each) for each in (first, op))
        merged = [
            self.model.add_weight(f"{op.label}_merged_{word}", array.astype(np.float32).reshape(1, -1), op)
            for word, array in (("scale", a1 * a2), ("bias", a2 * b1 + b2))
        ]
        replace(rewriter, op, top.ScaleOp, [first.operands[0], *merged], **relu_attributes(op))
        rewriter.erase(first)


class ScaleIntoConv(ModelPattern):
    """Scale behind a convolution without Relu goes into its weights."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.ScaleOp, rewriter: PatternRewriter, /) -> None:
        conv = producer(op.operands[0], top.ConvOp, top.DeconvOp)
        if conv is None or conv.get("do_relu") or not is_weight(conv.operands[1]):
            return
        scale, offset = _factors(self, op)
        kernel = self.weight(conv.operands[1])
        bias = np.zeros(len(scale)) if is_none(conv.operands[2]) else self.weight(conv.operands[2]).ravel()
        new_kernel = (kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1))).astype(np.float32)
        new_bias = (bias * scale + offset).astype(np.float32)
        filter_value = self.model.add_weight(f"{op.label}_merge_filter_weight", new_kernel, op)
        bias_value = self.model.add_weight(f"{op.label}_merge_bias_weight", new_bias, op)
        attributes = {name: conv.get(name) for name in conv.attributes} | relu_attributes(op)
        replace(rewriter, op, type(conv), [conv.operands[0], filter_value, bias_value], **attributes)
        rewriter.erase(conv)


class AddIntoMatMul(ModelPattern):
    """A weight of one value a column, added to a matrix product, becomes its bias."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.AddOp, rewriter: PatternRewriter, /) -> None:
        if len(op.operands) != 2 or op.get("coeff") is not None or not are_ranked((*op.operands, *op.results)):
            return
        for index in (0, 1):
            product, weight = producer(op.operands[index], top.MatMulOp), op.operands[1 - index]
            if product is None or not is_weight(weight) or not self._fits(op, product, weight):
                continue
            attributes = {name: product.get(name) for name in product.attributes} | relu_attributes(op)
            replace(rewriter, op, top.MatMulOp, [*product.operands[:2], weight], **attributes)
            rewriter.erase(product)
            return

    @staticmethod
    def _fits(op: TensorOp, product: TensorOp, weight: SSAValue) -> bool:
        columns = shape_of(product.results[0])[-1]
        is_plain = is_none(product.operands[2]) and not product.get("do_relu") and not product.get("output_transpose")
        *lead, last = shape_of(weight)
        return is_plain and last == columns and set(lead) <= {1} and shape_of(op.results[0]) == shape_of(product.results[0])


class PointwiseOfPointwise(ModelPattern):
    """Two 1 x 1 convolutions in a row without Relu between become one, where that is not more work."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.ConvOp, rewriter: PatternRewriter, /) -> None:
        first = producer(op.operands[0], top.ConvOp)
        if first is None or first.get("do_relu") or not (_is_pointwise(first) and _is_pointwise(op)):
            return
        kernel1, kernel2 = (self.weight(each.operands[1])[:, :, 0, 0] for each in (first, op))
        if kernel2.shape[0] * kernel1.shape[1] > kernel1.size + kernel2.size:
            return
        bias1, bias2 = (
            np.zeros(shape_of(each.operands[1])[0])
            if is_none(each.operands[2])
            else self.weight(each.operands[2]).ravel()
            for each in (first, op)
        )
        kernel = (kernel2 @ kernel1).astype(np.float32)[:, :, None, None]
        bias = (kernel2 @ bias1 + bias2).astype(np.float32)
        filter_value = self.model.add_weight(f"{op.label}_merge_filter_weight", kernel, op)
        bias_value = self.model.add_weight(f"{op.label}_merge_bias_weight", bias, op)
        attributes = {name: op.get(name) for name in op.attributes}
        set_input_means(self.model, op, None)
        replace(rewriter, op, top.ConvOp, [first.operands[0], filter_value, bias_value], **attributes)
        rewriter.erase(first)


class PadIntoConv(ModelPattern):
    """A Pad with zeros around the map goes into the padding of the convolution behind it."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.ConvOp, rewriter: PatternRewriter, /) -> None:
        pad = producer(op.operands[0], top.PadOp)
        if pad is None or pad.get("mode") != "constant" or pad.get("val") != 0 or not is_weight(op.operands[1]):
            return
        paddings, pads = pad.get("paddings"), op.get("pads")
        rank = len(pads) // 2
        if len(paddings) != 2 * (rank + 2) or any(paddings[:2] + paddings[rank + 2 : rank + 4]) or min(paddings) < 0:
            return
        around = paddings[2 : rank + 2] + paddings[rank + 4 :]
        set_input_means(self.model, op, None)
        op.set(pads=[a + b for a, b in zip(pads, around)])
        op.operands[0] = pad.operands[0]
        rewriter.erase(pad)
        rewriter.notify_op_modified(op)


class FuseRelu(ModelPattern):
    """Relu goes into the op before it."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.ReluOp, rewriter: PatternRewriter, /) -> None:
        before = producer(op.operands[0], *_MAY_END_WITH_RELU)
        if before is None:
            return
        limits = [each for each in (op.get("relu_limit"), before.get("relu_limit")) if each > 0]
        before.set(do_relu=True, relu_limit=min(limits, default=-1.0))
        merge_into(rewriter, op, before)


_MAY_END_WITH_RELU = (
    top.AddOp,
    top.AddConstOp,
    top.AvgPoolOp,
    top.BatchNormOp,
    top.ConvOp,
    top.DeconvOp,
    top.MatMulOp,
    top.MaxPoolOp,
    top.MulOp,
    top.MulConstOp,
    top.ReciprocalOp,
    top.ScaleOp,
    top.SubOp,
    top.SubConstOp,
    top.UpsampleOp,
)


def _factors(pattern: ModelPattern, op: TensorOp) -> tuple[np.ndarray, np.ndarray]:
    scale, bias = (pattern.weight(v).ravel() for v in op.operands[1:3])
    return scale, bias


def _is_pointwise(op: TensorOp) -> bool:
    return (
        is_weight(op.operands[1])
        and op.get("group") == 1
        and op.get("kernel_shape") == [1, 1]
        and op.get("strides") == [1, 1]
        and op.get("pads") == [0, 0, 0, 0]
    )


def _channel_operand(op: TensorOp) -> tuple[SSAValue, SSAValue] | None:
    """A 4-D tensor and the weight of one value a channel that it meets, if that is what an op works on."""
    if len(op.operands) != 2 or not are_ranked((*op.operands, *op.results)):
        return None
    for x, weight in (op.operands, op.operands[::-1]):
        if not is_weight(weight) or is_weight(x):
            continue
        shape = shape_of(x)
        if len(shape) == 4 and shape[1] > 1 and shape_of(weight) == (1, shape[1], 1, 1) and shape_of(op.results[0]) == shape:
            return x, weight
    return None


PATTERNS = [
    BatchNormToScale,
    AddIntoMatMul,
    ChannelMulToScale,
    ChannelAddToScale,
    ScaleOfScale,
    ScaleIntoConv,
    PointwiseOfPointwise,
    PadIntoConv,
    FuseRelu,
]
