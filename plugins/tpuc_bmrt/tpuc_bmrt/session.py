"""A bmodel open in the runtime: the library lives in a worker process that is given time, and may die."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from tpuc_bmrt.convert import describe, from_raw, to_stored
from tpuc_bmrt.library import Library, find_library
from tpuc_bmrt.runtime import End
from tpuc_core.errors import TpucError, unknown
from tpuc_core.files import existing_file
from tpuc_core.session import Tensors

DEFAULT_TIMEOUT_SECONDS = 600.0
SHOWN_LOG_LINES = 5


class BmrtSession:
    """Runs the first net of a file. `seconds` has the time of each launch so far, copies of inputs and outputs
    included, start-up and loading left out."""

    def __init__(self, path: str | Path, timeout_seconds: float | None = None):
        """Raises TpucError: no runtime library, refused file, no answer within the time (default $TPUC_BMRT_TIMEOUT,
        else 600 s)."""
        self.path = existing_file(path).resolve()
        self.timeout_seconds = timeout_seconds or _timeout()
        self.seconds: list[float] = []
        self._folder = tempfile.TemporaryDirectory(prefix="tpuc-bmrt-")
        self._log = Path(self._folder.name) / "log"
        self._start(find_library())
        _, inputs, outputs = self._answer()
        self._inputs: list[End] = inputs
        self._outputs: list[End] = outputs
        self.inputs = [describe(end, is_input=True) for end in inputs]
        self.outputs = [describe(end, is_input=False) for end in outputs]

    def run(self, inputs: Tensors, *, all_tensors: bool = False, dequantize: bool = True) -> Tensors:
        """The outputs by name. Raises TpucError: a missing or wrong input, `all_tensors`, and whatever goes wrong
        there."""
        if all_tensors:
            raise TpucError("the vendor's runtime gives the outputs of a bmodel only; the simulator gives every tensor")
        self._send([to_stored(self._find(inputs, end), end) for end in self._inputs])
        _, seconds, raw = self._answer()
        self.seconds.append(seconds)
        return {end.name: from_raw(data, end, dequantize=dequantize) for end, data in zip(self._outputs, raw)}

    def run_many(self, batches: Iterable[Tensors]) -> Iterator[Tensors]:
        """The outputs for each of the inputs; the file stays loaded."""
        for inputs in batches:
            yield self.run(inputs)

    def close(self) -> None:
        """End the worker process."""
        self._connection.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def __enter__(self) -> BmrtSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_process", None) and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _find(self, inputs: Tensors, end: End) -> np.ndarray:
        if len(inputs) == 1 and len(self._inputs) == 1:
            return next(iter(inputs.values()))
        if end.name not in inputs:
            raise unknown("input", end.name, inputs)
        return inputs[end.name]

    def _start(self, library: Library) -> None:
        environment = dict(os.environ)
        environment.setdefault("OMP_NUM_THREADS", "1")
        search = [str(library.runtime.parent), environment.get("LD_LIBRARY_PATH", "")]
        if library.links:
            links = Path(self._folder.name) / "lib"
            links.mkdir()
            for name, target in library.links.items():
                (links / name).symlink_to(target)
            search = [str(links)]
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, search))
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tpuc_bmrt.worker", str(theirs.fileno()), str(library.runtime), str(self.path)]
        with self._log.open("wb") as log, theirs:
            self._process = subprocess.Popen(
                command, env=environment, cwd=self._folder.name, pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self._connection = Connection(ours.detach())

    def _send(self, message: Any) -> None:
        try:
            self._connection.send(message)
        except OSError as error:
            raise self._death() from error

    def _answer(self) -> tuple[Any, ...]:
        try:
            if not self._connection.poll(self.timeout_seconds):
                self._process.kill()
                self._process.wait()
                raise self._failure(f"no answer within {self.timeout_seconds:g} s")
            answer = self._connection.recv()
        except (EOFError, ConnectionError) as error:
            raise self._death() from error
        if answer[0] == "failed":
            raise self._failure(answer[1])
        return answer

    def _death(self) -> TpucError:
        code = self._process.wait()
        end = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
        return self._failure(f"its process {end}")

    def _failure(self, why: str) -> TpucError:
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        said = "; it printed last:\n" + "\n".join(lines[-SHOWN_LOG_LINES:]) if lines else ""
        return TpucError(f'"{self.path.name}" in the vendor\'s runtime: {why}{said}')


def _timeout() -> float:
    text = os.environ.get("TPUC_BMRT_TIMEOUT") or str(DEFAULT_TIMEOUT_SECONDS)
    try:
        return float(text)
    except ValueError as error:
        raise TpucError(f'TPUC_BMRT_TIMEOUT is "{text}"; a number of seconds would be right') from error
