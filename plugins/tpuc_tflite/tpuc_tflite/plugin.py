"""The hooks of this plugin: the TFLite frontend, and a runner for .tflite files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tpuc_core.files import only_file
from tpuc_core.hookspecs import Frontend, FrontendOptions, Runner, hookimpl

if TYPE_CHECKING:
    from tpuc_core.ir import Model
    from tpuc_core.session import Session

SUFFIXES: tuple[str, ...] = (".tflite",)


class TfliteFrontend:
    """Reads .tflite files; LiteRT is the reference."""

    name: str = "tflite"
    suffixes: tuple[str, ...] = SUFFIXES

    def load(self, files: Sequence[Path], options: FrontendOptions) -> Model:
        from tpuc_tflite.frontend import load

        return load(only_file(files), options)

    def reference(self, files: Sequence[Path], options: FrontendOptions) -> Session:
        from tpuc_tflite.frontend import reference

        return reference(files[0], options)

    def simplified(self, files: Sequence[Path], options: FrontendOptions) -> bytes | None:
        return None


class TfliteRunner:
    """Runs .tflite files by LiteRT; tensors have the names and layouts of imported models."""

    name: str = "litert"
    suffixes: tuple[str, ...] = SUFFIXES

    def open(self, path: Path) -> Session:
        from tpuc_tflite.session import open_file

        return open_file(path)


@hookimpl
def tpuc_frontends() -> list[Frontend]:
    return [TfliteFrontend()]


@hookimpl
def tpuc_runners() -> list[Runner]:
    return [TfliteRunner()]
