"""What each command does: one module per family, one binder per form, found by the form's class."""

from tpuc_bm1684x.simulator.execute.binding import bind

__all__ = ["bind"]
