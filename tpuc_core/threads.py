"""Independent pieces of work side by side. Imports no numpy, so that `one_blas_thread` can come before it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")


def thread_count() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_blas_thread() -> None:
    """Have every matrix product of numpy run on one thread, where the user has not chosen otherwise.

    So the bits of a result do not depend on the number of processors, and nothing spins while other threads work: what
    has several inputs evaluates them side by side. Has an effect only before numpy is loaded.
    """
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def map_ahead(function: Callable[[T], R], items: Iterable[T], threads: int | None = None) -> Iterator[R]:
    """function(item) for every item, in order; several are computed at a time, and at most one more for each thread is
    taken ahead of what was asked for. An error ends the iteration."""
    from concurrent.futures import ThreadPoolExecutor

    threads = threads or thread_count()
    with ThreadPoolExecutor(threads) as pool:
        yield from in_order(lambda item: pool.submit(function, item), items, 2 * threads)


def in_order(submit: Callable[[T], Future[R]], items: Iterable[T], ahead: int) -> Iterator[R]:
    """submit(item).result() for every item, in order, with up to `ahead` more submitted. An error ends the iteration, and
    what was not begun is cancelled."""
    waiting: deque[Future[R]] = deque()
    try:
        for item in items:
            waiting.append(submit(item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
