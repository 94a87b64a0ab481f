"""Commands become functions: everything that a command says is worked out once, when it is bound to a memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

from tpuc_bm1684x.isa.fields import Command
from tpuc_bm1684x.simulator.memory import ALL_LANES, Memory
from tpuc_core.errors import TpucError

Step = Callable[[], None]
"""An executable command."""
Binder = Callable[["Context"], Step]

FAMILIES = (
    "arithmetic",
    "compare",
    "convolution",
    "dma",
    "dma_rows",
    "linear",
    "matrix_multiply",
    "pooling",
    "requantize",
    "scatter_gather",
    "special_function",
    "transpose",
)
_binders: dict[str, Binder] = {}


def executes(*forms: str) -> Callable[[Binder], Binder]:
    """Registers the binder of some forms."""

    def register(binder: Binder) -> Binder:
        _binders.update(dict.fromkeys(forms, binder))
        return binder

    return register


def in_turn(steps: list[Step]) -> Step:
    """One function that calls all of them."""
    if len(steps) == 1:
        return steps[0]

    def run() -> None:
        for step in steps:
            step()

    return run


class NotModelled(TpucError):
    """A command, or a combination of its fields, whose result on the chip is not known."""


class Context:
    """A command with the memory that it works on. `field` reads a field that only some forms have."""

    def __init__(self, command: Command, memory: Memory, lane_mask: int | None = None):
        self.command = command
        self.memory = memory
        values = command.values()
        self.field = values.get
        self.operation: int = values.get("tsk_eu_typ", values.get("cmd_special_function", 0))
        self.lane_mask: int = values.get("tsk_lane_num", ALL_LANES) if lane_mask is None else lane_mask

    def __getitem__(self, name: str) -> int:
        return self.command.__dict__[name]

    def not_modelled(self, what: str) -> NotModelled:
        """The error for a combination of fields."""
        return NotModelled(f"{what} is not modelled")


@cache
def _import_families() -> None:
    """The modules register their binders; they import this one."""
    for family in FAMILIES:
        import_module(f"tpuc_bm1684x.simulator.execute.{family}")


def bind(command: Command, memory: Memory, lane_mask: int | None = None) -> Step:
    """The function that executes a command. `lane_mask` replaces the command's own.

    Raises TpucError for what is not modelled, lies outside its memory, or contradicts itself.
    """
    _import_families()
    binder = _binders.get(command.form)
    if binder is None:
        raise NotModelled("this form of command is not modelled")
    return binder(Context(command, memory, lane_mask))
