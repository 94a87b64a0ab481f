import numpy as np
import pytest

from tpuc_core.cli.main import run_command, tpuc
from tpuc_core.npz import load_npz, save_npz


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(1, 12)
    save_npz("a.npz", {"x": x, "y": x + 1})
    save_npz("b.npz", {"x": x, "y": x - 1})


def tpuc_npz(*args):
    return run_command(tpuc, ["npz", *args], "tpuc")


def test_compare_passes_and_fails_by_exit_code(files, capsys):
    assert tpuc_npz("compare", "a.npz", "b.npz", "--excepts", "y", "-v") == 0
    assert capsys.readouterr().out.endswith("npz compare PASSED.\n")
    assert tpuc_npz("compare", "a.npz", "b.npz", "--tolerance", "0.9,0.9", "-vv") == 1
    out = capsys.readouterr().out
    assert "top-k" in out and out.endswith("npz compare FAILED.\n")


def test_dump_shows_top_k(files, capsys):
    assert tpuc_npz("dump", "a.npz", "x", "2") == 0
    assert capsys.readouterr().out.splitlines()[2:4] == ["Show Top-K 2", "(11, 1.0)"]


def test_edit(files):
    assert tpuc_npz("rename", "a.npz", "y", "z") == 0
    assert tpuc_npz("insert", "a.npz", "b.npz", "y") == 0
    assert tpuc_npz("extract", "a.npz", "c.npz", "y,z") == 0
    assert list(load_npz("c.npz")) == ["y", "z"]
    assert tpuc_npz("to_npy", "c.npz", "z") == 0
    np.testing.assert_array_equal(np.load("z.npy"), load_npz("c.npz")["z"])


@pytest.mark.parametrize("args, message", [
    (["dump", "none.npz"], 'no such file: "none.npz"'),
    (["dump", "a.npz", "xx"], 'no tensor "xx"'),
    (["rename", "a.npz", "x", "y"], 'has a tensor "y" already'),
    (["compare", "a.npz", "b.npz", "--tolerance", "high"], "two numbers"),
])
def test_errors_are_one_sentence(files, capsys, args, message):
    assert tpuc_npz(*args) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
