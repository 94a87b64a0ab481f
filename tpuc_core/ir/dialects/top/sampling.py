"""Maps made larger, smaller, or rearranged between channels and space."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import (
    Shape,
    Shapes,
    TensorOp,
    UnaryOp,
    Values,
    default,
    operand,
    required,
    result,
    slot,
)
from tpuc_core.ir.dialects.kinds import BOOL, F64, I64, one_of
from tpuc_core.ir.dialects.top.words import FusesRelu


@irdl_op_definition
class InterpOp(TensorOp):
    """A map of another size, by the nearest pixel or linearly; scale_h, scale_w are output over input.

    align_corners: x_in = x * (in - 1) / (out - 1). Linear otherwise: (x + 0.5) / scale - 0.5, clamped to the edge. Nearest
    asymmetric: floor(x * in / out), nearest otherwise: floor(x * (in - 1) / (out - 1) + 0.5).
    Source: ONNX Resize, TFLite RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR, Caffe Interp.
    """

    name = "top.Interp"
    input = operand()
    target_shape = slot()
    output = result()
    coord_mode = required(one_of("align_corners", "half_pixel", "pytorch_half_pixel", "asymmetric"))
    mode = required(one_of("nearest", "linear"))
    scale_h = default(F64, -1.0)
    scale_w = default(F64, -1.0)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        *lead, height, width = shapes[0]
        target = weights[1] if len(weights) > 1 else None
        if target is not None:
            out_height, out_width = (int(n) for n in target.ravel()[-2:])
            self.set(scale_h=out_height / height, scale_w=out_width / width)
            return [(*lead, out_height, out_width)]
        scale_h, scale_w = self.get("scale_h"), self.get("scale_w")
        if scale_h <= 0 or scale_w <= 0:
            raise self.error(f"scales {scale_h} and {scale_w} are not positive, and there is no constant target shape")
        # A scale that was computed as output over input must give that output back, whatever was rounded.
        return [(*lead, int(height * scale_h + 1e-6), int(width * scale_w + 1e-6))]


@irdl_op_definition
class UpsampleOp(FusesRelu):
    """Every pixel becomes scale_h x scale_w pixels. Source: Interp nearest with whole scales, Caffe Upsample."""

    name = "top.Upsample"
    input = operand()
    output = result()
    scale_h = required(I64)
    scale_w = required(I64)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        *lead, height, width = shapes[0]
        return [(*lead, height * self.get("scale_h"), width * self.get("scale_w"))]


@irdl_op_definition
class Depth2SpaceOp(TensorOp):
    """Channels become blocks of pixels, or the other way round where is_inversed; is_CRD: a channel's block is contiguous.

    Source: ONNX DepthToSpace and SpaceToDepth, Caffe Reorg.
    """

    name = "top.Depth2Space"
    input = operand()
    output = result()
    block_h = required(I64)
    block_w = required(I64)
    in_is_NCHW = default(BOOL, True)
    is_CRD = required(BOOL)
    is_inversed = required(BOOL)
    out_is_NCHW = default(BOOL, True)
    swap_cr = default(BOOL, False)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        batch, *inner = shapes[0]
        channels, height, width = inner if self.get("in_is_NCHW") else (inner[2], inner[0], inner[1])
        rows, columns = self.get("block_h"), self.get("block_w")
        if self.get("is_inversed"):
            fits = height % rows == 0 and width % columns == 0
            sizes = (channels * rows * columns, height // rows, width // columns)
        else:
            fits = channels % (rows * columns) == 0
            sizes = (channels // (rows * columns), height * rows, width * columns)
        if not fits:
            raise self.error(f"blocks of {rows} x {columns} do not divide {list(shapes[0])}")
        return [(batch, *sizes) if self.get("out_is_NCHW") else (batch, *sizes[1:], sizes[0])]


@irdl_op_definition
class ShuffleChannelOp(UnaryOp):
    """Channels as a [group, c / group] table, read by columns. Source: the pattern Reshape, Transpose, Reshape; Caffe ShuffleChannel."""

    name = "top.ShuffleChannel"
    group = required(I64)
