"""The fixture `fuzz`, and this folder on the path of its tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tpuc_kernels

sys.path.insert(0, str(Path(__file__).parent))
import cmodel_harness


@pytest.fixture
def fuzz(request: pytest.FixtureRequest) -> Callable[..., None]:
    """fuzz(name, cases=1000): FUZZ[name] of the test file against the C model; skips where there is no C model."""
    if cmodel_harness.library_path() is None:
        pytest.skip("libcmodel_bm1684x.so is not there: run `make vendor`, or set TPUC_CMODEL or TPUC_VENDOR")

    def run(name: str, cases: int = 1000, seed: int = 1) -> None:
        outcome = cmodel_harness.compare(Path(request.path), name, cases, seed)
        print(outcome)
        assert outcome.total("differs") == 0, str(outcome)
        assert outcome.total("equal") >= cases * 0.98, f"the C model refused too many cases\n{outcome}"

    return run


@pytest.fixture
def every_path() -> Iterator[Callable]:
    """every_path(f): f() by plain C, by SIMD, and on two threads; asserts equal bits and gives one of the results."""
    threads = tpuc_kernels.get_threads()

    def run(compute: Callable[[], np.ndarray]) -> np.ndarray:
        results = []
        for simd, count in ((False, 1), (True, 1), (True, 2), (False, 2)):
            tpuc_kernels.set_simd(simd)
            tpuc_kernels.set_threads(count)
            results.append(compute())
        assert all(r.dtype == results[0].dtype and r.tobytes() == results[0].tobytes() for r in results)
        return results[0]

    yield run
    tpuc_kernels.set_simd(True)
    tpuc_kernels.set_threads(threads)
