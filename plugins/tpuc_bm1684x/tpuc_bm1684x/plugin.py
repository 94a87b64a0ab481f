"""The hooks of this plugin."""

from __future__ import annotations

from tpuc_core.hookspecs import Command, hookimpl

CLI = "tpuc_bm1684x.cli_bmodel"


@hookimpl
def tpuc_commands() -> list[Command]:
    return [
        Command("bmodel info", f"{CLI}:info", "Nets, tensors, sizes, and what tpuc wrote about a bmodel."),
        Command("bmodel dis", f"{CLI}:dis", "Disassemble a bmodel's commands."),
        Command("bmodel weights", f"{CLI}:weights", "Take the weights out of a bmodel, as npz."),
        Command("bmodel verify", f"{CLI}:verify", "Check the certificate of a bmodel again."),
    ]
