"""The hooks: the chip, a runner for its files, and the dialect of its instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpuc_core.hookspecs import Chip, Runner, hookimpl

if TYPE_CHECKING:
    from xdsl.ir import Dialect


@hookimpl
def tpuc_chips() -> list[Chip]:
    from tpuc_abacus.chip import Abacus

    return [Abacus()]


@hookimpl
def tpuc_runners() -> list[Runner]:
    from tpuc_abacus.chip import MachineRunner

    return [MachineRunner()]


@hookimpl
def tpuc_dialects() -> list[Dialect]:
    from xdsl.ir import Dialect

    from tpuc_abacus import ops

    return [Dialect("abacus", [ops.DenseOp, ops.ReluOp, ops.AddOp, ops.ReshapeOp], [])]
