"""One command for each name of the tutorial: the same options and files as the `tpuc` command that it stands for.

    model_transform.py      tpuc transform
    model_runner.py         tpuc run
    npz_tool.py             tpuc npz
    run_calibration.py      tpuc calibrate
    tpuc-opt                tpuc opt
    model_deploy.py         tpuc deploy
    model_eval_imagenet.py  tpuc eval imagenet
    run_qtable.py           tpuc search
    run_sensitive_layer.py  tpuc attribute

Every one but tpuc-opt is installed without ".py" too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from tpuc_core.cli.main import run_command, tpuc
from tpuc_core.errors import TpucError

COMMANDS = {
    "model_transform": "transform", "model_runner": "run", "npz_tool": "npz", "run_calibration": "calibrate",
    "tpuc-opt": "opt", "model_deploy": "deploy", "model_eval_imagenet": "eval imagenet",
    "run_qtable": "search", "run_sensitive_layer": "attribute",
}


def command_of(name: str) -> click.Command:
    """The `tpuc` command that a tutorial's name stands for. Raises TpucError when its plugin is not installed."""
    command: click.Command | None = tpuc
    for word in COMMANDS[name].split():
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
        if command is None:
            raise TpucError(f'"{name}" needs the command "tpuc {COMMANDS[name]}", which no installed plugin provides')
    return command


def _script(name: str) -> Callable[[], None]:
    def run() -> None:
        program = Path(sys.argv[0]).name or name
        try:
            command = command_of(name)
        except TpucError as error:
            click.echo(f"{program}: {error}", err=True)
            sys.exit(1)
        sys.exit(run_command(command, prog_name=program))

    run.__doc__ = f"`tpuc {COMMANDS[name]}` under the tutorial's name."
    return run


model_transform = _script("model_transform")
model_runner = _script("model_runner")
npz_tool = _script("npz_tool")
run_calibration = _script("run_calibration")
tpuc_opt = _script("tpuc-opt")
model_deploy = _script("model_deploy")
model_eval_imagenet = _script("model_eval_imagenet")
run_qtable = _script("run_qtable")
run_sensitive_layer = _script("run_sensitive_layer")
