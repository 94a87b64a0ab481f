"""The hooks of this plugin."""

from __future__ import annotations

from tpuc_core.hookspecs import Command, hookimpl


@hookimpl
def tpuc_commands() -> list[Command]:
    return [
        Command("search", "tpuc_mix.cli:search", "Choose ops that run in a wider format, by noise and simulated cycles."),
        Command("attribute", "tpuc_mix.cli:attribute", "Show which ops cost the accuracy in INT8, and why."),
    ]
