"""Passes: changes of a model in place, with options, in an order that its states allow."""

from tpuc_core.passes.base import Pass, option, run_passes
from tpuc_core.passes.pipeline import available_passes, parse_passes, pass_of_text

__all__ = ["Pass", "available_passes", "option", "parse_passes", "pass_of_text", "run_passes"]
