"""Passes: changes of a model in place, with options, in an order that its states allow."""

from tpuc_core.passes.base import Pass

__all__ = ["Pass"]
