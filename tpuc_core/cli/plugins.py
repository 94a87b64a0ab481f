"""`tpuc plugins`."""

from __future__ import annotations

import json

import click
from tabulate import tabulate

from tpuc_core.plugins import LoadedPlugin, plugins

HOOKS = {"frontends": "frontend", "quantizers": "quantizer", "chips": "chip", "runners": "runner", "passes": "pass", "dialects": "dialect",
         "commands": "command", "metrics": "metric", "threshold_methods": "threshold method"}
"""What hooks provide, by the end of their names: what to call one of it."""


def _provides(plugin: LoadedPlugin) -> list[str]:
    names = []
    for hook, singular in HOOKS.items():
        function = getattr(plugin.module, f"tpuc_{hook}", None)
        if function is None:
            continue
        for item in function():
            label = getattr(item, "modes", None) or getattr(item, "name", item)
            names.append(f"{singular} {', '.join(label) if isinstance(label, tuple) else label}")
    return names


@click.command("plugins")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="Output form.")
def list_plugins(form: str) -> None:
    """List the plugins of this installation: version, what they provide, and why one failed to load."""
    rows = [
        {"name": p.name, "distribution": p.distribution, "version": p.version,
         "provides": [] if p.failure else _provides(p), "failure": p.failure}
        for p in plugins().loaded
    ]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    click.echo(tabulate(
        [[r["name"], r["version"], (r["failure"] and f"failed: {r['failure']}") or "\n".join(r["provides"])] for r in rows],
        headers=["plugin", "version", "provides"], tablefmt="simple"))
