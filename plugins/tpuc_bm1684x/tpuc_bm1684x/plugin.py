"""The hooks of this plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpuc_core.hookspecs import Command, hookimpl

if TYPE_CHECKING:
    from tpuc_core.hookspecs import Chip, Runner
    from tpuc_core.passes import Pass

CLI = "tpuc_bm1684x.cli_bmodel"


@hookimpl
def tpuc_commands() -> list[Command]:
    return [
        Command("bmodel info", f"{CLI}:info", "Nets, tensors, sizes, and what tpuc wrote about a bmodel."),
        Command("bmodel dis", f"{CLI}:dis", "Disassemble a bmodel's commands."),
        Command("bmodel weights", f"{CLI}:weights", "Take the weights out of a bmodel, as npz."),
        Command("bmodel verify", f"{CLI}:verify", "Check the certificate of a bmodel again."),
    ]


@hookimpl
def tpuc_chips() -> list[Chip]:
    from tpuc_bm1684x.chip import Bm1684x

    return [Bm1684x()]


@hookimpl
def tpuc_runners() -> list[Runner]:
    from tpuc_bm1684x.chip import SimulatorRunner

    return [SimulatorRunner()]


@hookimpl
def tpuc_passes() -> list[type[Pass]]:
    from tpuc_bm1684x.lowering.passes import LOWERING_PASSES
    from tpuc_bm1684x.passes.address_assign import AddressAssign
    from tpuc_bm1684x.passes.codegen import Codegen
    from tpuc_bm1684x.passes.layer_group import LayerGroup
    from tpuc_bm1684x.passes.subnet_divide import SubnetDivide
    from tpuc_bm1684x.passes.weight_reorder import WeightReorder

    return [*LOWERING_PASSES, WeightReorder, SubnetDivide, LayerGroup, AddressAssign, Codegen]
