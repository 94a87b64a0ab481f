"""Random commands, executed by tpuc_kernels and by the vendor's C model: all memory must come out the same.

A test file offers FUZZ, a dict from a name to (make, execute):

    make(rng) -> Case                        a command and what lies in memory before it
    execute(memory, fields) -> None          the command by tpuc_kernels, on memory.lmem (and .ddr, .smem)

    def test_x(fuzz): fuzz("name", cases=1000)             # the fixture of conftest.py

The C model asserts, exits and hangs on what it dislikes: it runs in a process of its own, which is started again behind a
command that killed it. By hand: python cmodel_harness.py test_file.py NAME --cases 300 --seed 1
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

LANES, LANE_BYTES, STATIC_BYTES = 64, 256 * 1024, 16 * 1024
DDR_BYTES = 1 << 22
TIU, GDMA = 0, 1
COMMAND_BUFFER_BYTES = 128
HANG_SECONDS = 120


@dataclass
class Case:
    """One command. lanes: (byte offset in the lane, uint8 [lanes, bytes]) that are written before, from lane 0 on; ddr:
    (offset, uint8 [bytes]) likewise. variant: the row of the table it counts in."""

    form: str
    fields: dict[str, int]
    lanes: list[tuple[int, np.ndarray]] = field(default_factory=list)
    ddr: list[tuple[int, np.ndarray]] = field(default_factory=list)
    engine: int = TIU
    variant: str = ""


@dataclass
class Memory:
    """lmem uint8 [64, 262144]; ddr, smem uint8."""

    lmem: np.ndarray
    ddr: np.ndarray
    smem: np.ndarray

    def write(self, case: Case) -> None:
        """What a case wants to lie in memory before its command."""
        for offset, data in case.lanes:
            self.lmem[: data.shape[0], offset : offset + data.shape[1]] = data
        for offset, data in case.ddr:
            self.ddr[offset : offset + data.size] = data


def library_path() -> Path | None:
    """libcmodel_bm1684x.so: TPUC_CMODEL names it, or it lies in the environment that TPUC_VENDOR names."""
    if path := os.environ.get("TPUC_CMODEL"):
        return Path(path)
    root = Path(os.environ.get("TPUC_VENDOR", Path.home() / ".cache/tpuc-vendor"))
    return next(iter(root.glob("lib/python3*/site-packages/tpu_mlir/lib/libcmodel_bm1684x.so")), None)


class CModel:
    """The library in this process; memory is a view of its own arrays."""

    def __init__(self) -> None:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        lib = self.library = ctypes.CDLL(str(library_path()), mode=os.RTLD_GLOBAL | os.RTLD_LAZY)
        lib.cmodel_init.argtypes = [ctypes.c_int32, ctypes.c_int64]
        lib.get_local_mem.restype = ctypes.POINTER(ctypes.c_void_p)
        for name in ("get_global_memaddr", "get_static_memaddr_by_node"):
            getattr(lib, name).restype = ctypes.c_void_p
            getattr(lib, name).argtypes = [ctypes.c_int32]
        lib.execute_command.argtypes = [ctypes.c_int32, ctypes.c_void_p, ctypes.c_uint]
        if lib.cmodel_init(0, DDR_BYTES):
            raise RuntimeError("cmodel_init failed")
        put_engines_aside()

        def view(address: int, size: int) -> np.ndarray:
            return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))

        lmem = view(lib.get_local_mem(0)[0], LANES * LANE_BYTES).reshape(LANES, LANE_BYTES)
        self.memory = Memory(lmem, view(lib.get_global_memaddr(0), DDR_BYTES),
                             view(lib.get_static_memaddr_by_node(0), STATIC_BYTES))

    def run(self, command: bytes, engine: int = TIU) -> None:
        """Execute one command."""
        buffer = ctypes.create_string_buffer(command, max(len(command), COMMAND_BUFFER_BYTES))
        self.library.execute_command(0, ctypes.cast(buffer, ctypes.c_void_p), engine)


def put_engines_aside() -> None:
    """The C model starts a thread for each engine, which asks for commands without a pause. Ours are executed by the thread that
    brings them, so these may run when nothing else wants to."""
    for thread in Path("/proc/self/task").iterdir():
        if (thread / "comm").read_text().startswith("TPU_"):
            os.sched_setscheduler(int(thread.name), os.SCHED_IDLE, os.sched_param(0))


def load_fuzz(path: Path) -> dict[str, tuple[Callable, Callable]]:
    """FUZZ of a test file."""
    spec = importlib.util.spec_from_file_location(path.stem + "_cases", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.FUZZ


def child(path: Path, name: str, seed: int, first: int, last: int, report: int) -> None:
    """Run cases first .. last - 1; every case's outcome is a line of JSON to the file descriptor `report`."""
    from tpuc_bm1684x.isa import FORM_BY_NAME
    make, execute = load_fuzz(path)[name]
    libc = ctypes.CDLL(None)
    model = CModel()
    mine = Memory(*(array.copy() for array in (model.memory.lmem, model.memory.ddr, model.memory.smem)))

    def tell(**message: object) -> None:
        os.write(report, (json.dumps(message) + "\n").encode())

    for i in range(first, last):
        case = make(np.random.default_rng([seed, i]))
        mine.write(case)
        model.memory.write(case)
        tell(start=i, variant=case.variant or case.form)
        execute(mine, dict(case.fields))
        model.run(FORM_BY_NAME[case.form].encode(**case.fields), case.engine)
        wrong = {}
        for space in ("lmem", "ddr"):
            a, b = getattr(mine, space), getattr(model.memory, space)
            if libc.memcmp(a.ctypes.data_as(ctypes.c_void_p), b.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(a.nbytes)):
                wrong[space] = int((a != b).sum())
                a[:] = b
        tell(done=i, wrong=wrong, fields={k: int(v) for k, v in case.fields.items()} if wrong else None)
    tell(finished=True)


@dataclass
class Outcome:
    """Counts by variant: equal, differs, refused (the C model died); and the first cases that differ."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)

    def add(self, variant: str, status: str) -> None:
        row = self.counts.setdefault(variant, {"equal": 0, "differs": 0, "refused": 0})
        row[status] += 1

    def total(self, status: str) -> int:
        """Cases of that status."""
        return sum(row[status] for row in self.counts.values())

    def __str__(self) -> str:
        rows = [f"{name:40} " + " ".join(f"{key} {n:6}" for key, n in row.items()) for name, row in sorted(self.counts.items())]
        return "\n".join(rows + self.shown)


def compare(path: Path, name: str, cases: int, seed: int = 1, first: int = 0) -> Outcome:
    """Run `cases` random cases of FUZZ[name] in child processes."""
    outcome, last = Outcome(), first + cases
    while first < last:
        first = _run_child(path, name, seed, first, last, outcome)
    return outcome


def _messages(receive: int) -> Iterator[dict]:
    """What a child tells, until it ends or is silent for too long."""
    with os.fdopen(receive, "rb", buffering=0) as stream:
        rest = b""
        while select.select([stream], [], [], HANG_SECONDS)[0]:
            data = stream.read(1 << 16)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            yield from map(json.loads, lines)


def _run_child(path: Path, name: str, seed: int, first: int, last: int, outcome: Outcome) -> int:
    """One child process; returns the case to go on with."""
    receive, report = os.pipe()
    command = [sys.executable, __file__, str(path), name, "--seed", str(seed), "--first", str(first), "--report", str(report),
               "--cases", str(last - first)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    printed = tempfile.TemporaryFile()  # noqa: SIM115
    process = subprocess.Popen(command, pass_fds=[report], stdout=subprocess.DEVNULL, stderr=printed, env=env)
    os.close(report)
    started, variant, finished = None, "", False
    for message in _messages(receive):
        if "start" in message:
            started, variant = message["start"], message["variant"]
        elif "done" in message:
            started, first = None, message["done"] + 1
            outcome.add(variant, "differs" if message["wrong"] else "equal")
            if message["wrong"] and len(outcome.shown) < 3:
                outcome.shown.append(f"case {message['done']}: {message['wrong']} {message['fields']}")
        finished = finished or "finished" in message
    process.kill()
    process.wait()
    printed.seek(0)
    errors = printed.read().decode(errors="replace")
    if finished:
        return last
    if started is None or "Traceback" in errors:
        raise RuntimeError(f"the child stopped at case {first}: {errors[-2000:]}")
    outcome.add(variant, "refused")
    return started + 1


def main() -> int:
    """The command line, also that of the child (with --report)."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("name")
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--report", type=int, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.report is not None:
        child(given.file, given.name, given.seed, given.first, given.first + given.cases, given.report)
        return 0
    outcome = compare(given.file, given.name, given.cases, given.seed, given.first)
    print(outcome)
    return int(outcome.total("differs") > 0)


if __name__ == "__main__":
    sys.exit(main())
