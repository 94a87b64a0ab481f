import subprocess
import sys
import threading

import pytest

from tpuc_core.threads import map_ahead


def test_results_keep_the_order_of_the_items():
    ready = threading.Barrier(2, timeout=10)  # passes only when two items are computed at a time

    def square(x):
        ready.wait()
        return x * x

    assert list(map_ahead(square, range(8), threads=2)) == [x * x for x in range(8)]


def test_items_are_taken_a_little_ahead_only():
    taken = []

    def items():
        for i in range(100):
            taken.append(i)
            yield i

    results = map_ahead(lambda x: x, items(), threads=2)
    assert next(results) == 0
    assert len(taken) == 5


def test_an_error_ends_the_iteration():
    with pytest.raises(ZeroDivisionError):
        list(map_ahead(lambda x: 1 // x, [1, 0, 1], threads=1))


def test_a_command_starts_without_numpy_and_keeps_blas_to_one_thread():
    code = ("import os, sys, tpuc_core.cli.main as m; m.run_command(m.tpuc, ['--help'], 'tpuc');"
            "print(os.environ['OPENBLAS_NUM_THREADS'], 'numpy' in sys.modules, 'xdsl' in sys.modules)")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PATH": ""}, check=True).stdout
    assert out.splitlines()[-1] == "1 False False"
