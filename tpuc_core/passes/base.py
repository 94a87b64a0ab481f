"""What a pass is: a dataclass whose fields are its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from tpuc_core.ir import Model, State


@dataclass
class Pass:
    """Base class of passes. The docstring is the help text; fields with `metadata={"help": ...}` are the options.

    `takes`: the state that the model must be in, or a tuple of states, None for any. `gives`: the state that it is in
    afterwards, None where it does not change.
    """

    name: ClassVar[str]
    takes: ClassVar[State | tuple[State, ...] | None] = None
    gives: ClassVar[State | None] = None

    def apply(self, model: Model) -> None:
        """Change the model in place. Raises TpucError where it cannot."""
        raise NotImplementedError
