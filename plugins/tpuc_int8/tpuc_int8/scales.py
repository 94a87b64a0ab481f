"""From a calibrated range to the scale and zero point of an 8-bit tensor."""

from __future__ import annotations

from math import copysign, floor

from tpuc_core.plan import TensorQuantization

LEAST_THRESHOLD = 1e-5


def symmetric(low: float, high: float) -> TensorQuantization:
    """Zero point 0: unsigned with high/255 where the range has no negative part, else signed with max(|low|, high)/127."""
    if low >= 0:
        return TensorQuantization(max(high, LEAST_THRESHOLD) / 255, is_signed=False)
    return TensorQuantization(max(-low, high, LEAST_THRESHOLD) / 127)


def asymmetric(low: float, high: float) -> TensorQuantization:
    """Unsigned with high/255 and zero point 0 where the range has no negative part, else signed with (high - low)/255 and the
    integer nearest to the place of 0; a range without positive part is stretched to 0."""
    if low >= 0:
        return TensorQuantization(max(high, LEAST_THRESHOLD) / 255, is_signed=False)
    scale = max(high - low, LEAST_THRESHOLD) / 255
    zero_point = -128 - low / scale
    if zero_point > 127:
        return TensorQuantization(max(-low, LEAST_THRESHOLD) / 255, 127)
    return TensorQuantization(scale, int(copysign(floor(abs(zero_point) + 0.5), zero_point)))
