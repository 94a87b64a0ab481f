"""The hooks: one frontend. What is heavy is imported by its methods."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tpuc_core.hookspecs import Frontend, FrontendOptions, hookimpl

if TYPE_CHECKING:
    from tpuc_core.ir import Model
    from tpuc_core.session import Session


class DarknetFrontend:
    """Reads a .cfg with its .weights; OpenCV is the reference."""

    name: str = "darknet"
    suffixes: tuple[str, ...] = (".cfg",)

    def load(self, files: Sequence[Path], options: FrontendOptions) -> Model:
        from tpuc_darknet.importing import load

        return load(*files_of(files), options)

    def reference(self, files: Sequence[Path], options: FrontendOptions) -> Session:
        from tpuc_darknet.engine import OpenCvSession

        return OpenCvSession(*files_of(files))

    def simplified(self, files: Sequence[Path], options: FrontendOptions) -> bytes | None:
        return None  # it is imported as it is


def files_of(files: Sequence[Path]) -> tuple[Path, Path]:
    """The .cfg and the .weights: the one that is given, or that beside it."""
    graph = files[0]
    return graph, files[1] if len(files) > 1 else graph.with_suffix(".weights")


@hookimpl
def tpuc_frontends() -> list[Frontend]:
    return [DarknetFrontend()]
