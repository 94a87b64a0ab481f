"""Requantization with the two roundings of TFLite, for models that TFLite quantized."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tpuc_core.ir import element_type_of, shape_of
from tpuc_core.ir.dialects.quant import UniformType

if TYPE_CHECKING:
    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp


def rounded_twice(op: TensorOp, lowering: Lowering) -> tuple[list[int], list[int]] | None:
    """The multipliers [oc], of 31 bits, and shifts [oc] with which LiteRT requantizes a convolution: `sum * m / 2^31` to an integer,
    halves up, then `>> n`, halves away from zero.

    None for models that are not TFLite's, and where all shifts are above MOST_KEPT_BITS: one rounding is nearer then, since a first result of 16
    bits holds too little.
    """
    from tpuc_bm1684x.kernels.conv2d import MOST_KEPT_BITS

    if op.name != "top.Conv" or lowering.model.platform != "TFLITE":
        return None
    element = element_type_of(op.operands[1])
    if not isinstance(element, UniformType):
        return None
    scales, given = np.array(element.data.scales), lowering.result_quantization(op.operands[0]).scale
    products = scales * given
    if scales.size == 1:  # LiteRT multiplies two scales of tensors in f32, those of channels in f64
        products = (scales.astype(np.float32) * np.float32(given)).astype(np.float64)
    factors = np.broadcast_to(products / lowering.quantization(op).scale, shape_of(op.results[0])[1:2])
    fraction, exponent = np.frexp(factors)
    multiplier = np.floor(fraction * 2.0**31 + 0.5).astype(np.int64)
    is_one = multiplier == 1 << 31
    multiplier, shift = np.where(is_one, multiplier >> 1, multiplier), -(exponent + is_one)
    return (multiplier.tolist(), shift.tolist()) if shift.min() <= MOST_KEPT_BITS else None
