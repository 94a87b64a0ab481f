"""A small network, and both tool chains to hand it from one to the other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ONNX = Path(__file__).parents[1] / "tpuc_onnx" / "data" / "cnn.onnx"
VENDOR = Path(os.environ.get("TPUC_VENDOR") or Path.home() / ".cache" / "tpuc-vendor")
VENDOR_ENVIRONMENT = {"PATH": f"{VENDOR / 'bin'}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
TIMEOUT_SECONDS = 300
TRANSFORM = (
    "--model_name net --model_def net.onnx --input_shapes [[1,3,32,32]] --mean 0.1,0.2,0.3 --scale 0.9,1,1.1"
    " --pixel_format rgb --mlir net.mlir"
)
CALIBRATE = "net.mlir --dataset samples --input_num 4 -o table"


class Folder:
    """A directory in which commands of both run. Files: net.onnx, in.npz, samples/."""

    def __init__(self, path: Path):
        self.path = path
        shutil.copy(ONNX, path / "net.onnx")
        (path / "samples").mkdir()
        rng = np.random.default_rng(4)
        for number in range(4):
            np.savez(path / "samples" / f"{number}.npz", input=rng.standard_normal((1, 3, 32, 32)).astype(np.float32))
        shutil.copy(path / "samples" / "0.npz", path / "in.npz")

    def ours(self, words: str) -> str:
        program, *arguments = words.split()
        return self._run([Path(sys.executable).with_name(program), *arguments], {})

    def vendors(self, words: str) -> str:
        program, *arguments = words.split()
        return self._run([VENDOR / "bin" / program, *arguments], VENDOR_ENVIRONMENT)

    def vendors_opt(self, arguments: list[str]) -> str:
        """The vendor's tpuc-opt with these words."""
        return self._run([VENDOR / "bin" / "tpuc-opt", *arguments], VENDOR_ENVIRONMENT)

    def npz(self, name: str) -> dict[str, np.ndarray]:
        with np.load(self.path / name) as archive:
            return dict(archive)

    def _run(self, words: list, environment: dict[str, str]) -> str:
        done = subprocess.run(
            words,
            cwd=self.path,
            env=os.environ | environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_SECONDS,
        )
        assert done.returncode == 0, f"exit code {done.returncode}: {words}\n{done.stdout[-4000:]}"
        return done.stdout


@pytest.fixture(scope="session")
def make_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Folder]:
    if not (VENDOR / "bin" / "model_deploy").exists():
        pytest.skip(f"the vendor's tools are not in {VENDOR}: run `make vendor`")
    return lambda name: Folder(tmp_path_factory.mktemp(name))


@pytest.fixture(scope="session")
def from_us(make_folder) -> Folder:
    """Our transform and calibration."""
    folder = make_folder("from_us")
    folder.ours(f"tpuc transform {TRANSFORM}")
    folder.ours(f"tpuc calibrate {CALIBRATE}")
    return folder


@pytest.fixture(scope="session")
def from_vendor(make_folder) -> Folder:
    """The vendor's transform and calibration."""
    folder = make_folder("from_vendor")
    folder.vendors(f"model_transform {TRANSFORM}")
    folder.vendors(f"run_calibration {CALIBRATE}")
    return folder
