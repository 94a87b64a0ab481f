"""Commands, measured: wall time, and the largest resident memory of one process of theirs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
VENDOR = Path(os.environ.get("TPUC_VENDOR") or Path.home() / ".cache" / "tpuc-vendor")


@dataclass(frozen=True)
class Usage:
    """Of one run: seconds of wall time, and of processors; largest resident set, in bytes, of any one process of it."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    printed: str


def run(words: Sequence[str | Path], directory: Path, environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command. SystemExit with the end of its output where it fails."""
    with (directory / "output.log").open("w+", encoding="utf-8") as log:
        start = time.perf_counter()
        process = subprocess.Popen(
            words, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        _, status, resources = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        printed = log.read()
    if process.returncode != 0:
        raise SystemExit(f"benchmark: {' '.join(map(str, words))} ended with {process.returncode}:\n{printed[-2000:]}")
    return Usage(seconds, resources.ru_utime + resources.ru_stime, resources.ru_maxrss * 1024, printed)


def ours(words: str, directory: Path) -> Usage:
    """A command of .venv/bin."""
    program, *arguments = words.split()
    return run([BIN / program, *arguments], directory)


def theirs(words: str, directory: Path) -> Usage:
    """A command of the vendor's environment, with as many threads as there are processors (its default is 4)."""
    program, *arguments = words.split()
    environment = os.environ | {
        "PATH": f"{VENDOR / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": str(os.cpu_count()),
    }
    return run([VENDOR / "bin" / program, *arguments], directory, environment)


def has_vendor() -> bool:
    return (VENDOR / "bin" / "model_deploy").exists()


def median(values: Sequence[float]) -> float:
    """The middle one, or the mean of the middle two."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def in_json(usage: Usage) -> list[float]:
    """Seconds of each inference, from the last line that a timing script printed."""
    return json.loads(usage.printed.strip().splitlines()[-1])
