"""`tpuc`: a group of commands that are imported when they run, and errors that are one sentence."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from tpuc_core import __version__
from tpuc_core.errors import TpucError, did_you_mean
from tpuc_core.hookspecs import Command
from tpuc_core.threads import one_blas_thread

CORE_COMMANDS = [
    Command("transform", "tpuc_core.cli.transform:transform", "Import a model as `top` ops, and compare it with its own engine."),
    Command("input", "tpuc_core.cli.input:make_input", "Make an input npz out of images, as the model's preprocessing says."),
    Command("dataset list", "tpuc_core.cli.dataset:list_images", "Choose images of a directory at random, as a list file."),
    Command("opt", "tpuc_core.cli.opt:opt", "Run passes on an .mlir file."),
    Command("deploy", "tpuc_core.cli.deploy:deploy", "Quantize, compile and prove a model: .mlir to a chip's file with a certificate."),
    Command("run", "tpuc_core.cli.run:run", "Run a model file on an input npz."),
    Command("eval imagenet", "tpuc_core.cli.eval:imagenet", "Top-1 and Top-5 of a model file on labelled images."),
    Command("eval metric", "tpuc_core.cli.eval_metric:metric", "A model file's figures by a metric in Python."),
    Command("npz dump", "tpuc_core.cli.npz:dump", "Show the tensors of an npz."),
    Command("npz compare", "tpuc_core.cli.npz:compare", "Compare two npz files tensor by tensor."),
    Command("npz extract", "tpuc_core.cli.npz:extract", "Copy some tensors to another npz."),
    Command("npz rename", "tpuc_core.cli.npz:rename", "Rename a tensor."),
    Command("npz insert", "tpuc_core.cli.npz:insert", "Copy a tensor of one npz into another."),
    Command("npz to_npy", "tpuc_core.cli.npz:to_npy", "Write one tensor as .npy."),
    Command("plugins", "tpuc_core.cli.plugins:list_plugins", "List the plugins, what they provide, and why one failed to load."),
]


def _load(command: Command) -> click.Command:
    module, _, name = command.target.partition(":")
    return getattr(importlib.import_module(module), name)


class LazyGroup(click.Group):
    """A click group over `Command`s: listing them imports none of them."""

    def __init__(self, *args: Any, lazy: Callable[[], list[Command]] = list, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def _children(self) -> dict[str, list[Command]]:
        children: dict[str, list[Command]] = {}
        for command in self._lazy():
            children.setdefault(command.name.split()[0], []).append(command)
        return children

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._children())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        commands = self._children().get(cmd_name)
        if commands is None:
            return None
        if len(commands) == 1 and commands[0].name == cmd_name:
            return _load(commands[0])
        inner = [Command(c.name.partition(" ")[2], c.target, c.help) for c in commands]
        return LazyGroup(name=cmd_name, lazy=lambda: inner, help=GROUP_HELP.get(cmd_name, f"{cmd_name} commands"))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in self._children() and not args[0].startswith("-"):
            raise click.UsageError(f'unknown command "{args[0]}"; {did_you_mean(args[0], self.list_commands(ctx))}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name, commands in sorted(self._children().items()):
            single = len(commands) == 1 and commands[0].name == name
            rows.append((name, commands[0].help if single else GROUP_HELP.get(name, ", ".join(c.name.partition(" ")[2] for c in commands))))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


GROUP_HELP = {
    "npz": "Look into npz files, compare and edit them.",
    "dataset": "Work with folders of images.",
    "eval": "Measure accuracy on labelled data.",
    "bmodel": "Look into bmodel files and check their certificates.",
}


def _all_commands() -> list[Command]:
    from tpuc_core.plugins import plugins

    return CORE_COMMANDS + plugins().commands


@click.command(cls=LazyGroup, lazy=_all_commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="tpuc")
def tpuc() -> None:
    """From a trained network to a file for the chip, with proof.

    `tpuc COMMAND --help` explains a command; TPUC_DEBUG=1 or --debug anywhere shows the traceback of an error.
    """


def run_command(command: click.Command, args: list[str] | None = None, prog_name: str | None = None) -> int:
    """Run a click command as a process would: the exit code, errors printed as one sentence on stderr."""
    args = list(sys.argv[1:] if args is None else args)
    is_debug = "--debug" in args or bool(os.environ.get("TPUC_DEBUG"))
    args = [a for a in args if a != "--debug"]
    one_blas_thread()
    try:
        result = command.main(args=args, prog_name=prog_name, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except TpucError as error:
        if is_debug:
            raise
        click.echo(f"{prog_name or 'tpuc'}: {error}", err=True)
        return 1
    except MemoryError as error:
        if is_debug:
            raise
        click.echo(f"{prog_name or 'tpuc'}: not enough memory: {error}", err=True)
        return 1
    except OSError as error:
        if is_debug:
            raise
        click.echo(f"{prog_name or 'tpuc'}: {error.filename or 'a file'}: {error.strerror or error}", err=True)
        return 1
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo(f"{prog_name or 'tpuc'}: interrupted; nothing half-written was left", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code


def main() -> None:
    """The entry point of the command `tpuc`."""
    sys.exit(run_command(tpuc, prog_name="tpuc"))
