"""What a pass is, and how passes follow each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tpuc_core.errors import TpucError

if TYPE_CHECKING:
    from tpuc_core.ir import Model, State


@dataclass
class Pass:
    """Base class of passes. The docstring is the help text, the fields are the options: bool, int, float or str.

    `takes`: the state that the model must be in, or a tuple of states, None for any. `gives`: the state that it is in
    afterwards, None where it does not change. Fields made with `option` have a help text, and may be spelled with dashes or
    otherwise in the text.
    """

    name: ClassVar[str]
    takes: ClassVar[State | tuple[State, ...] | None] = None
    gives: ClassVar[State | None] = None

    def apply(self, model: Model) -> None:
        """Change the model in place. Raises TpucError where it cannot."""
        raise NotImplementedError


def option(default: Any, help: str = "", *, spelled: str | None = None) -> Any:
    """A field of a pass with a help text; `spelled` is its name in option text where that is not the field's own."""
    return dataclasses.field(default=default, metadata={"help": help, "spelled": spelled})


def run_passes(model: Model, passes: Iterable[Pass]) -> None:
    """Run passes on a model, one after the other.

    Raises TpucError where the model is not in the state that a pass takes: the sentence says which one gives it.
    """
    for each in passes:
        _check_state(model, each)
        each.apply(model)
        if each.gives is not None:
            model.state = each.gives


def _check_state(model: Model, each: Pass) -> None:
    if each.takes is None:
        return
    wanted = each.takes if isinstance(each.takes, tuple) else (each.takes,)
    if model.state in wanted:
        return
    from tpuc_core.passes.pipeline import available_passes

    before = [p.name for p in available_passes().values() if p.gives in wanted and p.name != each.name]
    hint = f": run {' or '.join('--' + name for name in before)} first" if _is_ahead(model.state, wanted) and before else ""
    raise TpucError(f"--{each.name} takes {' or '.join(wanted)}; this file is {model.state}{hint}")


def _is_ahead(state: State, wanted: tuple[State, ...]) -> bool:
    """Whether a wanted state comes after this one, so that a pass can lead there."""
    order = list(type(state))
    return any(order.index(state) < order.index(w) for w in wanted)
