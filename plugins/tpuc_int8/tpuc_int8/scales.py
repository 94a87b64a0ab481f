"""From a calibrated range to the scale of an 8-bit tensor."""

from __future__ import annotations

from tpuc_core.plan import TensorQuantization

LEAST_THRESHOLD = 1e-5


def symmetric(low: float, high: float) -> TensorQuantization:
    """Zero point 0: unsigned with high/255 where the range has no negative part, else signed with max(|low|, high)/127."""
    if low >= 0:
        return TensorQuantization(max(high, LEAST_THRESHOLD) / 255, is_signed=False)
    return TensorQuantization(max(-low, high, LEAST_THRESHOLD) / 127)
