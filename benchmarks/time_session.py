"""Seconds of each inference of a model file, start-up left out: python time_session.py MODEL INPUT.npz REPEAT [RUNNER].

Prints a list in JSON. The first run, in which caches fill, is not in it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tpuc_core.threads import one_blas_thread

one_blas_thread()

from tpuc_core.npz import load_npz  # noqa: E402 (threads are chosen before numpy is loaded)
from tpuc_core.plugins import plugins  # noqa: E402


def main(model: str, inputs: str, repeat: str) -> None:
    session, tensors = plugins().runner(Path(model).suffix).open(Path(model)), load_npz(inputs)
    seconds = []
    for _ in range(int(repeat) + 1):
        start = time.perf_counter()
        session.run(tensors)
        seconds.append(time.perf_counter() - start)
    print(json.dumps(seconds[1:]))


if __name__ == "__main__":
    main(*sys.argv[1:])
