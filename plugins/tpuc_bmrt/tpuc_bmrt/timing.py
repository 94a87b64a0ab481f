"""Seconds per launch in the vendor's runtime, without start-up: what benchmarks compare with."""

from __future__ import annotations

from pathlib import Path

from tpuc_bmrt.session import BmrtSession
from tpuc_core.session import Tensors


def time_bmodel(path: str | Path, inputs: Tensors, repeat: int = 3) -> list[float]:
    """Seconds of each of `repeat` launches with one input, the file loaded once."""
    with BmrtSession(path) as session:
        for _ in session.run_many([inputs] * repeat):
            pass
        return session.seconds
