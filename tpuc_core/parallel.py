"""One piece of work on many samples: in this process, in several, or on a Dask cluster, with the same results.

    with open_workers(jobs=2) as workers:
        for scores in workers.map(Scores("resnet18.mlir"), batches):
            ...

Imports no numpy, so that a worker process can limit BLAS to one thread first: the bits of a result then do not depend
on where it was computed.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tpuc_core.errors import TpucError
from tpuc_core.threads import in_order, map_ahead, one_blas_thread, thread_count

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

T = TypeVar("T")
R = TypeVar("R")
T_contra = TypeVar("T_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)

ANSWER_SECONDS = 15
"""How long a Dask scheduler, and then its first worker, may take to answer."""
_KEPT_OPEN = 2


class Work(Protocol[T_contra, R_co]):
    """What is done with every sample. It is pickled and sent with each of them: it holds paths and numbers, not
    models."""

    @property
    def is_thread_safe(self) -> bool:
        """Whether what `open` gives may be called by several threads at a time."""
        ...

    def open(self) -> Callable[[T_contra], R_co]:
        """The function itself. Called once in a process: what it loads serves many samples."""
        ...


class Workers(Protocol):
    """Where work is done."""

    def map(self, work: Work[T, R], items: Iterable[T]) -> Iterator[R]:
        """work.open()(item) for every item, in the order of the items, which are taken a little ahead only. The first
        error ends the iteration."""
        ...


@contextmanager
def open_workers(jobs: int = 1, dask: str | None = None, threads: int | None = None) -> Iterator[Workers]:
    """Workers: this process with `threads` threads (default: one a processor), or `jobs` processes of one thread each,
    or those of the Dask cluster whose scheduler listens at the address `dask`.

    Paths in work and items should be absolute: the workers of a cluster have their own current directory. Raises
    TpucError: both were asked for, Dask is not installed, nobody answers at the address.
    """
    if dask is not None and jobs > 1:
        raise TpucError("give either --jobs or --dask: the cluster has its own number of processes")
    if dask is not None:
        with _dask_client(dask) as client:
            yield _DaskWorkers(client, dask)
    elif jobs > 1:
        with _process_pool(jobs) as pool:
            yield _ProcessWorkers(pool, jobs)
    else:
        yield _LocalWorkers(threads)


def run_samples(work: Work[T, R], items: Iterable[T], *, jobs: int = 1, dask: str | None = None,
                threads: int | None = None) -> Iterator[R]:
    """`open_workers(jobs, dask, threads)` for one piece of work."""
    with open_workers(jobs, dask, threads) as workers:
        yield from workers.map(work, items)


class _LocalWorkers:
    """This process."""

    def __init__(self, threads: int | None):
        self._threads = threads

    def map(self, work: Work[T, R], items: Iterable[T]) -> Iterator[R]:
        function = work.open()
        threads = (self._threads or thread_count()) if work.is_thread_safe else 1
        return map_ahead(function, items, threads) if threads > 1 else map(function, items)


class _ProcessWorkers:
    """Processes of one thread each."""

    def __init__(self, pool: ProcessPoolExecutor, jobs: int):
        self._pool, self._jobs = pool, jobs

    def map(self, work: Work[T, R], items: Iterable[T]) -> Iterator[R]:
        from concurrent.futures.process import BrokenProcessPool

        payload = pickle.dumps(work)
        try:
            yield from in_order(lambda item: self._pool.submit(_apply, payload, item), items, 2 * self._jobs)
        except BrokenProcessPool as error:
            raise TpucError("a worker process was ended from outside, for want of memory perhaps: "
                            "try fewer --jobs") from error


@contextmanager
def _process_pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin_worker)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin_worker() -> None:
    """In a new worker process: one BLAS thread, deaf to Ctrl-C (the parent ends it), gone when the parent is gone."""
    one_blas_thread()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class _DaskWorkers:
    """The workers of a Dask cluster."""

    def __init__(self, client: Any, address: str):
        self._client, self._address = client, address
        self._session = os.urandom(8)  # workers outlive it, and files may change before the next one

    def map(self, work: Work[T, R], items: Iterable[T]) -> Iterator[R]:
        from distributed import CancelledError, KilledWorker

        payload = pickle.dumps(work)
        threads = sum(self._client.nthreads().values())
        try:
            yield from in_order(lambda item: self._client.submit(_apply, payload, item, self._session, pure=False), items, 2 * threads)
        except ModuleNotFoundError as error:
            raise TpucError(f'workers at "{self._address}" lack the module "{error.name}": '
                            "install there what is installed here") from error
        except (KilledWorker, CancelledError) as error:
            raise TpucError(f'the workers at "{self._address}" were lost, for want of memory perhaps') from error


@contextmanager
def _dask_client(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise TpucError('--dask needs Dask: install it with pip install "tpuc-core[dask]"') from error
    try:
        client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise TpucError(f'no Dask scheduler answers at "{address}"; it prints its address when it starts, '
                        "such as tcp://10.0.0.1:8786") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=ANSWER_SECONDS)
        except TimeoutError as error:
            raise TpucError(f'the Dask scheduler at "{address}" has no workers') from error
        yield client


_opened: OrderedDict[bytes, tuple[Callable[[Any], Any], threading.Lock | None]] = OrderedDict()
_opening = threading.Lock()


def _apply(payload: bytes, item: Any, session: bytes = b"") -> Any:
    """In a worker: the pickled work on one item. The last pieces of work stay open for the session that opened them."""
    key = hashlib.sha256(session + payload).digest()
    with _opening:
        if key not in _opened:
            _limit_blas()
            work = pickle.loads(payload)
            _opened[key] = (work.open(), None if work.is_thread_safe else threading.Lock())
        _opened.move_to_end(key)
        while len(_opened) > _KEPT_OPEN:
            _opened.popitem(last=False)
        function, lock = _opened[key]
    if lock is None:
        return function(item)
    with lock:
        return function(item)


def _limit_blas() -> None:
    """One BLAS thread also where numpy was loaded before, as in a worker of a cluster."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return
    threadpool_limits(1)
