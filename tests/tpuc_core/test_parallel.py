"""Work on samples gives the same results in this process, in several, and on a real Dask cluster."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import pytest

from tpuc_core.errors import TpucError
from tpuc_core.parallel import open_workers, run_samples


@dataclass(frozen=True)
class Power:
    """x ** exponent, with the process that computed it."""

    exponent: int
    is_thread_safe: bool = True

    def open(self):
        opened = os.urandom(4)

        def power(x):
            if x < 0:
                raise TpucError(f"{x} is negative")
            return x**self.exponent, os.getpid(), opened

        return power


@dataclass(frozen=True)
class Exclusive:
    """Notices when two threads are in it."""

    is_thread_safe: bool = False

    def open(self):
        inside = threading.Lock()

        def enter(x):
            if not inside.acquire(blocking=False):
                raise RuntimeError("two threads at a time")
            time.sleep(0.01)
            inside.release()
            return x

        return enter


@dataclass(frozen=True)
class BlasThreads:
    """How many threads BLAS uses where the work is done."""

    is_thread_safe: bool = True

    def open(self):
        import numpy as np
        from threadpoolctl import threadpool_info

        np.ones(1)
        return lambda _: [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@dataclass(frozen=True)
class Death:
    is_thread_safe: bool = True

    def open(self):
        return lambda _: os.kill(os.getpid(), 9)


@pytest.fixture(scope="module")
def cluster():
    """The address of a Dask cluster of two processes with two threads each."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(params=["here", "threads", "processes", "dask"])
def where(request):
    if request.param == "dask":
        return {"dask": request.getfixturevalue("cluster")}
    return {"here": {"threads": 1}, "threads": {"threads": 3}, "processes": {"jobs": 2}}[request.param]


def test_results_are_the_same_and_in_order_everywhere(where):
    with open_workers(**where) as workers:
        assert [x for x, _, _ in workers.map(Power(2), range(50))] == [x * x for x in range(50)]
        assert [x for x, _, _ in workers.map(Power(3), range(5))] == [x**3 for x in range(5)]


def test_work_is_opened_once_in_a_process(where):
    found = [(process, opened) for _, process, opened in run_samples(Power(4), range(30), **where)]
    assert len(set(found)) == len({process for process, _ in found})


def test_the_workers_of_a_cluster_open_work_anew_for_every_command(cluster):
    first, second = ({opened for _, _, opened in run_samples(Power(5), range(8), dask=cluster)} for _ in range(2))
    assert not first & second


def test_processes_are_others(cluster):
    for where in ({"jobs": 2}, {"dask": cluster}):
        assert os.getpid() not in {process for _, process, _ in run_samples(Power(1), range(10), **where)}


def test_an_error_for_users_comes_back_as_it_is(where):
    with pytest.raises(TpucError, match="-1 is negative"):
        list(run_samples(Power(2), [1, -1, 2], **where))


def test_work_that_is_not_thread_safe_is_called_by_one_thread_at_a_time(where):
    assert list(run_samples(Exclusive(), range(8), **where)) == list(range(8))


def test_blas_has_one_thread_in_other_processes(cluster):
    for where in ({"jobs": 2}, {"dask": cluster}):
        for threads in run_samples(BlasThreads(), range(4), **where):
            assert threads and set(threads) == {1}


def test_a_dead_worker_process_is_one_sentence():
    with pytest.raises(TpucError, match="fewer --jobs"):
        list(run_samples(Death(), [1], jobs=2))


def test_no_scheduler_at_the_address(monkeypatch):
    monkeypatch.setattr("tpuc_core.parallel.ANSWER_SECONDS", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense:://x"):
        with pytest.raises(TpucError, match="no Dask scheduler answers at"):
            list(run_samples(Power(1), [1], dask=address))


def test_without_dask_the_option_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(TpucError, match="pip install"):
        list(run_samples(Power(1), [1], dask="tcp://127.0.0.1:9"))


def test_jobs_and_dask_exclude_each_other():
    with pytest.raises(TpucError, match="either --jobs or --dask"):
        list(run_samples(Power(1), [1], jobs=2, dask="tcp://127.0.0.1:9"))


def test_worker_processes_end_when_their_parent_is_killed(tmp_path):
    """A kill -9 leaves no process behind."""
    script = tmp_path / "parent.py"
    script.write_text("""
import os, time
from dataclasses import dataclass
from tpuc_core.parallel import run_samples

@dataclass(frozen=True)
class Slow:
    is_thread_safe: bool = True
    def open(self):
        return lambda x: (os.getpid(), time.sleep(0.01))[0]

if __name__ == "__main__":
    for process in run_samples(Slow(), range(100_000), jobs=2):
        print(process, flush=True)
""")
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = {int(parent.stdout.readline()) for _ in range(50)}
    parent.kill()
    parent.wait()
    end = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{worker}") for worker in workers):
        assert time.monotonic() < end, "a worker outlives its parent"
        time.sleep(0.05)
