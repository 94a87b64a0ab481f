"""What frames a network: its inputs, its constants, and the tensor that is not there."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import TensorOp, UnaryOp, default, operands, optional, result
from tpuc_core.ir.dialects.kinds import BOOL, F64S, I64, I64S, STRING, one_of


@irdl_op_definition
class NoneOp(TensorOp):
    """The tensor that is not there: fills the place of an operand that an op does without."""

    name = "top.None"
    output = result()


@irdl_op_definition
class WeightOp(TensorOp):
    """A constant; its values are in the npz beside the text, under the op's name."""

    name = "top.Weight"
    output = result()
    allow_split = optional(I64S)
    bias0 = optional(I64)
    bias1 = optional(I64)
    do_compress = optional(BOOL)
    indices_idx = optional(I64S)
    indices_slice = optional(I64S)
    inline_bytes = optional(STRING)
    is_signed = optional(BOOL)
    path = optional(STRING)
    placeholder = optional(one_of("Auto", "F32", "None"))
    scale = optional(F64S)
    store_mode = optional(one_of("1N", "2N", "4N"))
    zero_guard = optional(BOOL)


@irdl_op_definition
class InputOp(UnaryOp):
    """An input of the network, with the preprocessing that makes it of an image: x = (pixel - mean) * scale per channel.

    Pixels are 0 to 255, resized to resize_dims [h, w] (with padding where keep_aspect_ratio), in the channel order of
    pixel_format.
    """

    name = "top.Input"
    aligned = optional(BOOL)
    channel_format = optional(one_of("nhwc", "nchw"))
    customization_format = optional(STRING)
    do_preprocess = default(BOOL, False)
    keep_aspect_ratio = optional(BOOL)
    keep_ratio_mode = optional(STRING)
    mean = optional(F64S)
    pad_type = optional(one_of("normal", "center"))
    pad_value = optional(I64)
    pixel_format = optional(one_of("rgb", "bgr", "gray", "rgba", "gbrg", "grbg", "bggr", "rggb"))
    resize_dims = optional(I64S)
    scale = optional(F64S)
    shape_tensor = optional(I64S)
    yuv_type = optional(STRING)


@irdl_op_definition
class YieldOp(TensorOp):
    """Hands values out of the region of an op."""

    name = "top.Yield"
    values = operands()
