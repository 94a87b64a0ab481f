"""The hooks of this plugin: the ONNX frontend, and a runner for .onnx files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tpuc_core.files import only_file
from tpuc_core.hookspecs import Frontend, FrontendOptions, Runner, hookimpl

if TYPE_CHECKING:
    from tpuc_core.ir import Model
    from tpuc_core.session import Session

SUFFIXES: tuple[str, ...] = (".onnx",)


class OnnxFrontend:
    """Reads .onnx files; onnxruntime is the reference."""

    name: str = "onnx"
    suffixes: tuple[str, ...] = SUFFIXES

    def load(self, files: Sequence[Path], options: FrontendOptions) -> Model:
        from tpuc_onnx.frontend import load

        return load(only_file(files), options)

    def reference(self, files: Sequence[Path], options: FrontendOptions) -> Session:
        from tpuc_onnx.frontend import reference

        return reference(files[0], options)

    def simplified(self, files: Sequence[Path], options: FrontendOptions) -> bytes | None:
        from tpuc_onnx.frontend import simplified_bytes

        return simplified_bytes(files[0], options)


class OnnxRunner:
    """Runs .onnx files by onnxruntime; tensors are named OUTPUT_OPTYPE as in imported models."""

    name: str = "onnx"
    suffixes: tuple[str, ...] = SUFFIXES

    def open(self, path: Path) -> Session:
        from tpuc_onnx.session import open_file

        return open_file(path)


@hookimpl
def tpuc_frontends() -> list[Frontend]:
    return [OnnxFrontend()]


@hookimpl
def tpuc_runners() -> list[Runner]:
    return [OnnxRunner()]
