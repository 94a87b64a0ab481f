"""The hooks of this plugin."""

from __future__ import annotations

from tpuc_core.hookspecs import Command, hookimpl


@hookimpl
def tpuc_commands() -> list[Command]:
    return [Command("calibrate", "tpuc_calibration.cli:calibrate",
                    "Find the range of every tensor on sample inputs, for quantization.")]
