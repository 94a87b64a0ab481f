"""The options of commands whose work on samples can be spread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable)


def workers_options(command: F) -> F:
    """Add --jobs and --dask, for tpuc_core.parallel.open_workers."""
    dask = click.option("--dask", metavar="ADDRESS",
                        help="Work on the Dask cluster whose scheduler listens there, such as tcp://10.0.0.1:8786.")
    jobs = click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True,
                        help="Work in this many processes; the result is the same.")
    return jobs(dask(command))
