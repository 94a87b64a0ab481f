"""Pools: one value out of a window."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import Shape, Shapes, TensorOp, Values, default, operand, optional, required, result
from tpuc_core.ir.dialects.kinds import BOOL, I64, I64S
from tpuc_core.ir.dialects.top.windows import AUTO_PAD, resolve_pads, window_shape
from tpuc_core.ir.dialects.top.words import ROUND_MODE, FusesRelu


class PoolOp(FusesRelu):
    """What the pools share: x [n, c, ih, iw] -> y [n, c, oh, ow]; an empty kernel_shape stands for the whole map."""

    auto_pad = optional(AUTO_PAD)
    ceil_mode = optional(BOOL)
    count_include_pad = default(BOOL, False)
    first_round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    is_adaptive = default(BOOL, False)
    keepdims = default(BOOL, True)
    kernel_shape = required(I64S)
    pad_value = default(I64, 0)
    pads = required(I64S)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    strides = required(I64S)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        batch, channels, *spatial = shapes[0]
        if not self.get("kernel_shape"):
            self.set(kernel_shape=spatial, strides=[1] * len(spatial), pads=[0] * 2 * len(spatial))
        resolve_pads(self, spatial)
        shape = (batch, channels, *window_shape(self, spatial))
        return [shape if self.get("keepdims") else shape[:2]] * len(self.results)


@irdl_op_definition
class AvgPoolOp(PoolOp):
    """The mean of a window: over the kernel's area with count_include_pad, else over the cells inside the map.

    Source: ONNX AveragePool and GlobalAveragePool, TFLite AVERAGE_POOL_2D and MEAN, Caffe Pooling.
    """

    name = "top.AvgPool"
    input = operand()
    output = result()


@irdl_op_definition
class MaxPoolOp(PoolOp):
    """The greatest value of a window; padding counts as minus infinity. Source: ONNX MaxPool, TFLite MAX_POOL_2D, Caffe Pooling."""

    name = "top.MaxPool"
    input = operand()
    output = result()


@irdl_op_definition
class MaxPoolWithMaskOp(PoolOp):
    """A max pool that also gives the place of the maximum in its map. Source: Caffe Pooling."""

    name = "top.MaxPoolWithMask"
    input = operand()
    output = result()
    mask = result()


@irdl_op_definition
class AdaptiveAvgPoolOp(TensorOp):
    """The mean over windows that divide the map into output_size [h, w] parts. Source: PyTorch."""

    name = "top.AdaptiveAvgPool"
    input = operand()
    output = result()
    output_size = required(I64S)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        size = self.get("output_size")
        return [(*shapes[0][: -len(size)], *size)]
