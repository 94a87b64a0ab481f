"""The hooks of this plugin: the Caffe frontend, and a runner for .prototxt files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tpuc_core.hookspecs import Frontend, FrontendOptions, Runner, hookimpl

if TYPE_CHECKING:
    from tpuc_core.ir import Model
    from tpuc_core.session import Session

SUFFIXES: tuple[str, ...] = (".prototxt",)


class CaffeFrontend:
    """Reads a .prototxt with its .caffemodel: the one given, or the one of the same name beside it. OpenCV is the reference."""

    name: str = "caffe"
    suffixes: tuple[str, ...] = SUFFIXES

    def load(self, files: Sequence[Path], options: FrontendOptions) -> Model:
        from tpuc_caffe.frontend import load

        return load(files, options)

    def reference(self, files: Sequence[Path], options: FrontendOptions) -> Session:
        from tpuc_caffe.frontend import reference

        return reference(files, options)

    def simplified(self, files: Sequence[Path], options: FrontendOptions) -> bytes | None:
        """The files are imported as they are."""
        return None


class CaffeRunner:
    """Runs a .prototxt with its .caffemodel by OpenCV; tensors are named as in imported models."""

    name: str = "caffe"
    suffixes: tuple[str, ...] = SUFFIXES

    def open(self, path: Path) -> Session:
        from tpuc_caffe.session import open_files

        return open_files(path)

    def open_with_weight(self, path: Path, weight: Path) -> Session:
        from tpuc_caffe.session import open_files

        return open_files(path, weight)


@hookimpl
def tpuc_frontends() -> list[Frontend]:
    return [CaffeFrontend()]


@hookimpl
def tpuc_runners() -> list[Runner]:
    return [CaffeRunner()]
