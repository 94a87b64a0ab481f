"""Ctrl-C in the middle: exit code 130, one line, and no file is partial."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TIMEOUT_SECONDS = 120
# The command itself, halted where its Nth file is written in full but not yet in its place: the worst moment.
HALTED = """
import sys, time
from pathlib import Path
rename, left = Path.replace, [int(sys.argv.pop(1))]
def replace(self, target):
    left[0] -= 1
    if left[0] == 0:
        Path("halted").touch()
        time.sleep(600)
    return rename(self, target)
Path.replace = replace
from tpuc_core.cli.main import main
main()
"""
TRANSFORM = "transform --model_name net --model_def net.onnx --mlir new.mlir --test_input in.npz --test_result new.npz"
DEPLOY = "deploy --chip bm1684x --mlir cnn.mlir --quantize INT8 --calibration_table table --model new.bmodel"
CALIBRATE = "calibrate cnn.mlir --data_list list -o new_table"


def wait_for(what: Callable[[], bool], process: subprocess.Popen) -> None:
    end = time.monotonic() + TIMEOUT_SECONDS
    while not what():
        assert process.poll() is None, "the command ended before it could be interrupted"
        assert time.monotonic() < end, "the command did not get so far"
        time.sleep(0.02)


def interrupt(process: subprocess.Popen) -> str:
    """What the command printed on stderr."""
    process.send_signal(signal.SIGINT)
    printed = process.communicate(timeout=TIMEOUT_SECONDS)[1]
    assert process.returncode == 130, printed
    assert "Traceback" not in printed
    assert printed.strip().splitlines()[-1].startswith("tpuc: interrupted")
    return printed


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start a Python process in the folder; it ends with the test. It heeds Ctrl-C even where these tests run in the
    background, which a shell makes deaf to it."""
    started: list[subprocess.Popen] = []

    def run(*words: str) -> subprocess.Popen:
        started.append(
            subprocess.Popen(
                [sys.executable, *words],
                cwd=folder,
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        )
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("command", "nth"),
    [(TRANSFORM, 1), (TRANSFORM, 2), (TRANSFORM, 5), (CALIBRATE, 1), (DEPLOY, 1), (DEPLOY, 3), (DEPLOY, 5)],
)
def test_a_file_is_whole_or_absent(folder, start, command, nth):
    (folder / "list").write_text("in.npz\n")
    before = {p.name for p in folder.iterdir()}
    process = start("-c", HALTED, str(nth), *command.split())
    wait_for((folder / "halted").exists, process)
    interrupt(process)
    new = {p.name for p in folder.iterdir()} - before - {"halted"}
    assert len(new) == nth - 1, new
    assert not [name for name in new if name.startswith(".")]


def test_calibration_stops_between_samples_and_keeps_what_was_gathered(folder, start):
    (folder / "list").write_text("in.npz\n" * 20_000)
    before = set(os.listdir(folder))
    process = start(str(Path(sys.executable).with_name("tpuc")), *CALIBRATE.split())
    assert process.stderr is not None
    assert process.stderr.readline().startswith("calibrate:")
    interrupt(process)
    assert set(os.listdir(folder)) == before | {"new_table.checkpoint"}
