"""A folder with one good file of every kind, made of a small network, and a way to call `tpuc` on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tpuc_core.cli.main import run_command, tpuc
from tpuc_core.npz import save_npz

TESTS = Path(__file__).parents[1]
GOOD = {
    "net.onnx": TESTS / "tpuc_onnx" / "data" / "cnn.onnx",
    "cnn.mlir": TESTS / "tpuc_bm1684x" / "lowering" / "data" / "cnn.mlir",
    "cnn_weights.npz": TESTS / "tpuc_bm1684x" / "lowering" / "data" / "cnn_weights.npz",
    "table": TESTS / "tpuc_core" / "cli" / "data" / "cnn_cali_table",
}


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network's bmodel with its certificate."""
    folder = tmp_path_factory.mktemp("compiled")
    for name, source in GOOD.items():
        shutil.copy(source, folder / name)
    words = [
        "--mlir",
        folder / "cnn.mlir",
        "--chip",
        "bm1684x",
        "--quantize",
        "INT8",
        "--calibration_table",
        folder / "table",
    ]
    assert run_command(tpuc, ["deploy", *map(str, words), "--model", str(folder / "net.bmodel")]) == 0
    return folder / "net.bmodel"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: Path) -> Path:
    """The current directory, with the good files."""
    for name, source in GOOD.items():
        shutil.copy(source, tmp_path / name)
    shutil.copy(compiled, tmp_path)
    save_npz(tmp_path / "in.npz", {"input": np.zeros((1, 3, 32, 32), np.float32)})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(folder: Path, capsys: pytest.CaptureFixture) -> Callable[[str], tuple[int, str]]:
    """Exit code and printed text of `tpuc WORDS`."""

    def run(words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run_command(tpuc, words.split())
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


@pytest.fixture
def refused(call: Callable, folder: Path) -> Callable[..., None]:
    """Assert that a command ends with this exit code and one sentence with all of these words, and writes nothing."""

    def check(command: str, *words: str, code: int = 1) -> None:
        before = {p.name for p in folder.iterdir()}
        found, printed = call(command)
        assert found == code, printed
        for word in words:
            assert word in printed, printed
        assert "Traceback" not in printed
        if code == 1:
            lines = printed.strip().splitlines()
            assert len(lines) == 1 and lines[0].startswith("tpuc: "), printed
        assert {p.name for p in folder.iterdir()} == before

    return check
