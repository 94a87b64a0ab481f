"""The hooks of this plugin."""

from __future__ import annotations

from pathlib import Path

from tpuc_core.hookspecs import Runner, hookimpl
from tpuc_core.session import Session


class BmrtRunner:
    """Runs a bmodel in the chip vendor's runtime, on a board or on its C model; asked for by `--runner bmrt`."""

    name = "bmrt"
    suffixes: tuple[str, ...] = (".bmodel",)

    def open(self, path: Path) -> Session:
        """Loads the file in a process of its own; what follows behind the chip is computed here. Raises TpucError: no runtime library, or it refuses the file."""
        from tpuc_bmrt.session import BmrtSession
        from tpuc_core.host_part import completed

        return completed(BmrtSession(path), path)


@hookimpl
def tpuc_runners() -> list[Runner]:
    return [BmrtRunner()]
