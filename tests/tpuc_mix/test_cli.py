"""The commands, on the small classifier."""

import csv
import re

import pytest
from tpuc_mix.cli import attribute, search

from tpuc_core.cli.deploy import deploy
from tpuc_core.cli.main import run_command
from tpuc_core.plan import Precision, read_quantization_table
from tpuc_core.quantization_table import precisions_for


@pytest.fixture
def call(folder, monkeypatch):
    monkeypatch.chdir(folder)

    def run(command, *words):
        return run_command(command, ["net.mlir", "--calibration_table", "table", "--data_list", "list.txt", *words], "tpuc")

    return run


def test_a_target_is_reached_and_written_down(call, folder, tmp_path, capsys):
    files = [tmp_path / name for name in ("qtable", "front.csv", "front.png")]
    words = ["--mode_high", "F32", "--target_cos", "0.9999", "--measure_num", "6", "-o", files[0], "--csv", files[1], "--png", files[2]]
    assert call(search, *map(str, words)) == 0
    text = capsys.readouterr().out
    assert "chosen" in text and "cycles / all low" in text
    with files[1].open() as file:
        rows = list(csv.DictReader(file))
    chosen, = [row for row in rows if row["is_chosen"] == "1"]
    assert float(chosen["figure"]) >= 0.9999
    assert all(float(row["figure"]) < 0.9999 for row in rows if int(row["cycles"]) < int(chosen["cycles"]))
    table = read_quantization_table(files[0])
    assert len(table) == int(chosen["op_count"]) > 0 and set(table.values()) == {Precision.F32}
    assert files[2].read_bytes().startswith(b"\x89PNG")


def test_the_table_serves_a_renamed_model_and_deploys(call, folder, task, tmp_path, capsys):
    assert call(search, "--mode_high", "F32", "--target_cos", "0.9999", "--measure_num", "5", "-o", str(tmp_path / "qtable")) == 0
    from tpuc_core.ir import load_model

    own, renamed = (precisions_for(tmp_path / "qtable", load_model(folder / name)) for name in ("net.mlir", "renamed.mlir"))
    assert [f"other_{name}" for name in own] == list(renamed)
    words = ["--mlir", "net.mlir", "--chip", "bm1684x", "--quantize", "INT8", "--calibration_table", "table",
             "--quantize_table", str(tmp_path / "qtable"), "--model", str(tmp_path / "mixed.bmodel")]
    assert run_command(deploy, words, "tpuc deploy") == 0
    printed = capsys.readouterr().out
    assert printed.count("asked for by the quantization table") == len(own) > 0
    tensors, equal = printed.split("proof: ")[1].split(" equal")[0].split(" tensors, ")
    assert tensors == equal


def test_a_target_beyond_reach_says_so(call, tmp_path, capsys):
    (tmp_path / "never.py").write_text("def f(outputs, sample):\n    return 0.5\n")
    words = ["--mode_high", "F32", "--metric", f"{tmp_path}/never.py:f", "--target", "0.6", "--measure_num", "2", "-o", str(tmp_path / "q")]
    assert call(search, *words) == 1
    assert "no measured choice reaches the target" in capsys.readouterr().err


def test_attribution_names_ops_causes_and_the_next_command(call, capsys):
    assert call(attribute, "--most", "3") == 0
    text = capsys.readouterr().out
    assert "weight rounding" in text and "activation rounding" in text
    assert "\nall " in text and " more " in text
    expected, measured = map(float, re.search(r"(-[\d.]+) dB of the signal by its parts, (-[\d.]+) dB measured", text).groups())
    assert abs(expected - measured) < 3
    assert "next: tpuc " in text


def test_attribution_of_a_mixed_model(call, capsys, tmp_path):
    (tmp_path / "q").write_text("first BF16\ndepthwise BF16\n")
    assert call(attribute, "--quantize_table", str(tmp_path / "q")) == 0
    assert "float format BF16" in capsys.readouterr().out


@pytest.mark.parametrize("words, message", [
    (["--mode_high", "F17"], "unknown mode"), (["--mode_low", "F32"], "only INT8"),
    (["--target_cos", "0.9", "--metric", "top1"], "one target at a time"), (["--metric", "top1"], "--target VALUE"),
    (["--target_top1_drop", "1"], "has no label")])
def test_what_is_wrong_is_said(call, capsys, tmp_path, words, message):
    assert call(search, *words, "-o", str(tmp_path / "q")) == 1
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_processes_give_the_same(call, capsys, tmp_path):
    outputs = []
    for jobs in ("1", "2"):
        assert call(search, "--mode_high", "F32", "--measure_num", "3", "--jobs", jobs, "-o", str(tmp_path / "q")) == 0
        outputs.append((capsys.readouterr().out, (tmp_path / "q").read_text()))
    assert outputs[0] == outputs[1]


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same(call, capsys, tmp_path):
    from distributed import LocalCluster

    words = ["--mode_high", "F32", "--measure_num", "3", "-o", str(tmp_path / "q")]
    assert call(search, *words) == 0
    alone = capsys.readouterr().out, (tmp_path / "q").read_text()
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        assert call(search, *words, "--dask", cluster.scheduler_address) == 0
    assert (capsys.readouterr().out, (tmp_path / "q").read_text()) == alone
