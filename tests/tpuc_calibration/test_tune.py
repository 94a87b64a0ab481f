"""Choosing and tuning thresholds by what they do to consumers and outputs."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tpuc_calibration.consumers import ConsumerErrors, best_of, consumer_errors, quantized
from tpuc_calibration.outputs import Score, Target, float_outputs, quantized_score, score_of
from tpuc_calibration.tune import MOST_TRIALS, Change, candidates_of, select
from xdsl.dialects.builtin import NoneType

from tpuc_core.cli.main import run_command, tpuc
from tpuc_core.ir import Model, save_model, tensor_type, top
from tpuc_core.parallel import open_workers
from tpuc_core.passes.calibration_table import CalibrationTable

SHAPE = (1, 4, 8, 8)
COUNT = 6


@pytest.fixture
def net(tmp_path, monkeypatch):
    """net.mlir: y = conv(relu(conv(x))) + x, and samples with some far outliers, listed in `list`."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    model = Model.new("net", "ONNX", [tensor_type(SHAPE)])
    block = model.main.body.block
    x = top.InputOp.make("x", [block.args[0]], tensor_type(SHAPE))
    none = top.NoneOp.create(result_types=[NoneType()])
    block.add_ops([none, x])

    def conv(name, value):
        filters = random.standard_normal((4, 4, 3, 3)).astype(np.float32) / 6
        model.weights[f"{name}_filter"] = filters
        weight = top.WeightOp.make(f"{name}_filter", [], tensor_type(filters.shape))
        op = top.ConvOp.make(name, [value, weight.results[0], none.results[0]], tensor_type(SHAPE), kernel_shape=[3, 3],
                             strides=[1, 1], pads=[1, 1, 1, 1], dilations=[1, 1])
        block.add_ops([weight, op])
        return op

    first = conv("first_Conv", x.results[0])
    relu = top.ReluOp.make("first_Relu", [first.results[0]], tensor_type(SHAPE))
    block.add_op(relu)
    second = conv("second_Conv", relu.results[0])
    added = top.AddOp.make("y_Add", [second.results[0], x.results[0]], tensor_type(SHAPE))
    block.add_op(added)
    model.set_outputs([added.results[0]])
    save_model(model, "net.mlir")
    for i in range(COUNT):
        values = random.standard_normal(SHAPE).astype(np.float32)
        values.flat[:2] *= 20
        np.save(f"{i}.npy", values)
    (tmp_path / "list").write_text("".join(f"{i}.npy\n" for i in range(COUNT)))
    return tmp_path


def calibrate(*args, output="table"):
    return run_command(tpuc, ["calibrate", *args, "-o", output], "tpuc")


def test_quantized_holds_what_8_bits_hold():
    x = np.float32([-300, -128, -0.4, 0, 0.6, 127, 200, 300])
    assert quantized(x, 127, is_signed=True).tolist() == [-128, -128, 0, 0, 1, 127, 127, 127]
    assert quantized(x, 255, is_signed=False).tolist() == [0, 0, 0, 0, 1, 127, 200, 255]
    assert not quantized(x, 0, is_signed=True).any()


def test_errors_are_those_of_all_consumers(net):
    """x is read by a convolution and by the addition; nobody reads y."""
    from tpuc_core.evaluate import evaluate
    from tpuc_core.ir import load_model

    model, x = load_model("net.mlir"), np.load("0.npy")
    rounded = quantized(x, 3.0, is_signed=True)
    true, other = evaluate(model, {"x": x}), evaluate(model, {"x": rounded})

    def relative(a, b):
        return np.sum((a - b) ** 2) / np.sum(b**2)

    conv = relative(other["first_Conv"], true["first_Conv"])
    added = relative(rounded + true["second_Conv"], true["y_Add"])
    own = relative(quantized(true["y_Add"], 2.0, is_signed=True), true["y_Add"])
    work = ConsumerErrors("net.mlir", (("x", (3.0, 40.0)), ("y_Add", (2.0,))), frozenset({"x", "y_Add"}))
    errors = work.open()("0.npy")
    assert errors["x"][0] == pytest.approx(conv + added, rel=1e-4)
    assert errors["x"][1] < errors["x"][0]
    assert errors["y_Add"] == [pytest.approx(own, rel=1e-4)]


def test_auto_takes_the_candidate_with_the_least_error_at_consumers(net):
    assert calibrate("net.mlir", "--data_list", "list", "--method", "auto", output="auto") == 0
    auto, names = CalibrationTable.read("auto"), ("kl", "mse", "max", "percentile", "aciq_gauss", "aciq_laplace")
    tables = []
    for name in names:
        assert calibrate("net.mlir", "--data_list", "list", "--method", name, output=name) == 0
        tables.append(CalibrationTable.read(name))
    signed = frozenset({"x", "first_Conv", "second_Conv", "y_Add"})
    for tensor in auto:
        candidates = {tensor: [table[tensor].threshold for table in tables]}
        with open_workers(threads=1) as workers:
            errors = consumer_errors("net.mlir", candidates, signed, [f"{i}.npy" for i in range(COUNT)], workers, "")
        assert auto[tensor].threshold == best_of(candidates, errors)[tensor]
    assert len({tuple(t[name].threshold for name in t) for t in [auto, *tables]}) > 3


def test_tuning_makes_outputs_better_and_reports_each_tensor(net, capsys):
    assert calibrate("net.mlir", "--data_list", "list", "--method", "max", output="max") == 0
    capsys.readouterr()
    assert calibrate("net.mlir", "--data_list", "list", "--method", "max", "--tune_num", "5") == 0
    printed = capsys.readouterr().out
    with (net / "table.tune.csv").open() as file:
        rows = list(csv.DictReader(file))
    kept = {row["tensor"] for row in rows if row["kept"] == "yes"}
    assert kept and f"tune: {len(kept)} of {len(rows)} proposals kept" in printed
    before, after = CalibrationTable.read("max"), CalibrationTable.read("table")
    assert {name for name in after if after[name] != before[name]} == kept
    assert all(float(row["gain"]) > 0 and row["tensor"] in printed for row in rows)
    samples = [f"{i}.npy" for i in range(5)]
    with open_workers(threads=1) as workers:
        items = float_outputs("net.mlir", samples, workers)
        old, new = (quantized_score("net.mlir", table, Target("bm1684x"), items, workers) for table in (before, after))
    assert new.error < old.error and new.cosine >= old.cosine


def test_choosing_and_tuning_do_not_depend_on_processes(net):
    args = ("--data_list", "list", "--method", "auto", "--tune", "4")
    assert calibrate("net.mlir", *args, output="one") == 0
    assert calibrate("net.mlir", *args, "--jobs", "2", output="two") == 0
    for number in "12":
        assert calibrate("net.mlir", "--data_list", "list", "--shard", f"{number}/2", output=f"part{number}") == 0
    assert calibrate("--merge", "part2", "part1", "--method", "auto", "--tune", "4", output="merged") == 0
    for suffix in ("", ".tune.csv"):
        one, two, merged = ((net / f"{name}{suffix}").read_bytes() for name in ("one", "two", "merged"))
        assert one == two == merged


def test_samples_for_tuning_may_be_others(net, capsys):
    (net / "others").write_text("3.npy\n4.npy\n5.npy\n")
    assert calibrate("net.mlir", "--data_list", "list", "--tune", "2", "--tune_list", "others") == 0
    assert "on 2 samples" in capsys.readouterr().out


@pytest.mark.parametrize("args, message", [
    (["--tune", "2", "--chip", "bm1685x"], 'unknown chip "bm1685x"; valid: bm1684x'),
    (["--tune", "2", "--shard", "1/2"], "a shard cannot be tuned by itself"),
])
def test_errors(net, capsys, args, message):
    assert calibrate("net.mlir", "--data_list", "list", *args) == 1
    assert message in capsys.readouterr().err
    assert not Path("table").exists()


def test_a_score_is_the_mean_over_outputs():
    score = score_of([np.float32([1, 0]), np.float32([0, 2])], [np.float32([1, 0]), np.float32([0, 1])])
    assert (score.error, score.cosine) == (0.5, 1.0)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_the_search_never_ends_worse_and_within_its_trials(effects):
    """Each change adds its effect to the error at the outputs."""
    changes = [Change(str(i), 1.0, 2.0, 0.2, 0.1) for i in range(len(effects))]
    trials = []

    def judge(thresholds):
        trials.append(thresholds)
        return Score(100 + sum(e for e, (_, t) in zip(effects, sorted(thresholds.items(), key=lambda p: int(p[0]))) if t == 2.0), 0.9)

    start = {change.tensor: 1.0 for change in changes}
    result = select(start, changes, judge)
    assert result.after.error <= result.before.error
    assert judge(result.thresholds) == result.after
    assert len(trials) - 1 == result.trials <= MOST_TRIALS
    assert result.kept == {name for name, t in result.thresholds.items() if t == 2.0}


def test_a_tensor_of_zeros_has_no_candidates():
    from tpuc_calibration.statistics import TensorStatistics

    zeros, ones = TensorStatistics(), TensorStatistics()
    zeros.update(np.zeros(3, np.float32))
    ones.update(np.ones(3, np.float32))
    found = candidates_of({"zeros": zeros, "ones": ones}, {"zeros": 0.0, "ones": 0.5})
    assert list(found) == ["ones"] and found["ones"][0] == 0.5 and max(found["ones"]) <= 1.0
