"""Progress of long work: a bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_LINES = 10  # in a pipe


def progress(items: Iterable[T], title: str, total: int) -> Iterator[T]:
    """The items, each counted on stderr when the next one is asked for."""
    if sys.stderr.isatty():
        yield from _bar(items, title, total)
        return
    shown = 0
    for done, item in enumerate(items, start=1):
        yield item
        if done == total or done * _LINES // max(total, 1) > shown:
            shown = done * _LINES // max(total, 1)
            print(f"{title}: {done} of {total}", file=sys.stderr, flush=True)


def _bar(items: Iterable[T], title: str, total: int) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(items, total=total, description=title)
