from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tpuc_bm1684x.bmodel import Bmodel, read_bmodel, write_bmodel
from tpuc_bm1684x.bmodel.certificate import attach_certificate

from tpuc_core.certify import certificate, prove
from tpuc_core.cli.main import run_command, tpuc
from tpuc_core.npz import load_npz


@pytest.fixture
def file(bmodel: Bmodel, x: np.ndarray, tmp_path: Path) -> Path:
    """A certified file."""
    path = tmp_path / "half.bmodel"
    tensors = {"y": x + np.float32(0.5)}
    data = certificate(prove(tensors, tensors, {}), None, sources={}, inputs={"x": x}, input_words="random:0")
    write_bmodel(path, bmodel)
    attach_certificate(path, data, {"x": x})
    return path


def run(capsys: pytest.CaptureFixture, *args: object) -> tuple[int, str, str]:
    code = run_command(tpuc, ["bmodel", *map(str, args)], "tpuc")
    return code, *capsys.readouterr()


def test_info_shows_tensors_and_certificate(file: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, _ = run(capsys, "info", file)
    assert code == 0
    assert "net half" in out and "1x8x4x4" in out and "1 tensors proven" in out


def test_info_as_json(file: Path, capsys: pytest.CaptureFixture) -> None:
    _, out, _ = run(capsys, "info", file, "--format", "json")
    description = json.loads(out)
    assert description["nets"][0]["stages"][0]["groups"][0]["gdma_commands"] == 3
    assert description["section"]["blobs"]["table"] == 9


def test_dis_lists_both_engines(file: Path, capsys: pytest.CaptureFixture) -> None:
    _, out, _ = run(capsys, "dis", file)
    lines = [line for line in out.splitlines() if not line.startswith("#")]
    assert len(lines) == 5
    assert "sAR add" in lines[0] and lines[-1].endswith("end")


def test_weights_are_written_by_name(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    code, _, _ = run(capsys, "weights", file, "-o", tmp_path / "w.npz")
    assert code == 0
    assert load_npz(tmp_path / "w.npz")["filter"].tobytes() == bytes(range(256)) * 16


def test_verify_runs_the_proof_again(file: Path, capsys: pytest.CaptureFixture) -> None:
    code, out, err = run(capsys, "verify", file)
    assert (code, err) == (0, "")
    assert "holds: 1 tensors bit for bit" in out


def test_verify_finds_a_changed_command(file: Path, capsys: pytest.CaptureFixture) -> None:
    data = file.read_bytes()
    half = np.float32(0.5).tobytes()
    place = data.index(half, data.index(read_bmodel(file).nets[0].stages[0].groups[0].tiu))
    file.write_bytes(data[:place] + np.float32(0.75).tobytes() + data[place + 4 :])
    code, out, err = run(capsys, "verify", file)
    assert code == 1
    assert "FAIL  commands as certified" in out and "FAIL  each has the certified bits" in out
    assert "does not hold: 3 of 7 checks failed" in err


def test_verify_refuses_another_input(file: Path, x: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    np.savez(tmp_path / "in.npz", x=x + 1)
    code, _, err = run(capsys, "verify", file, "--input", tmp_path / "in.npz")
    assert code == 1 and "another one" in err


def test_a_foreign_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "net.bmodel").write_bytes(b"no model")
    code, _, err = run(capsys, "info", tmp_path / "net.bmodel")
    assert code == 1 and err.count("\n") == 1
