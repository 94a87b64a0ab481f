"""The hooks: a dialect with two ops, and the modules that extend parts of tpuc when these are first used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tpuc_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from xdsl.ir import Dialect


@hookimpl
def tpuc_dialects() -> list[Dialect]:
    from xdsl.ir import Dialect

    from tpuc_shrink.ops import ShrinkOp, SoftShrinkOp

    return [Dialect("shrink", [ShrinkOp, SoftShrinkOp], [])]


@hookimpl
def tpuc_extensions() -> dict[str, Sequence[str]]:
    return {
        "evaluate": ["tpuc_shrink.evaluation"],
        "onnx": ["tpuc_shrink.importing"],
        "bm1684x.lowering": ["tpuc_shrink.lowering"],
        "bm1684x.kernels": ["tpuc_shrink.kernel"],
    }
