"""From `top` to `tpu`: one file a family of ops, one small function for an op in a precision."""

from tpuc_bm1684x.lowering.lower import lower, lower_in_place
from tpuc_bm1684x.lowering.registry import obstacle
from tpuc_bm1684x.lowering.strip_io import strip_input_casts, strip_output_casts

__all__ = ["lower", "lower_in_place", "obstacle", "strip_input_casts", "strip_output_casts"]
