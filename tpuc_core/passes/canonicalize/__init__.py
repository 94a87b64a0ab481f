"""`--canonicalize`: the same network in its simplest ops, as the chip's lowering expects them."""

from tpuc_core.passes.canonicalize.canonicalize import Canonicalize

__all__ = ["Canonicalize"]
