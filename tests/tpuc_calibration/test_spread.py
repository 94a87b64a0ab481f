"""However a calibration is spread over processes, machines and time, the table has the same bytes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tpuc_calibration.partial import Partial

from tpuc_core.cli.main import run_command, tpuc
from tpuc_core.ir import load_model, save_model, tensor_type, top
from tpuc_core.passes.calibration_table import CalibrationTable

COUNT = 41
TPUC = Path(sys.executable).with_name("tpuc")


def calibrate(*args, output="table"):
    return run_command(tpuc, ["calibrate", *args, "-o", output], "tpuc")


@pytest.fixture
def samples(folder):
    """41 arrays of very different ranges, listed in `list`."""
    random = np.random.default_rng(1)
    (folder / "arrays").mkdir()
    for i in range(COUNT):
        values = random.standard_normal((1, 3, 8, 8)).astype(np.float32) * np.float32(2.0 ** random.integers(-6, 6))
        np.save(f"arrays/{i}.npy", values)
    (folder / "list").write_text("".join(f"arrays/{i}.npy\n" for i in range(COUNT)))
    return folder


@pytest.fixture
def whole(samples):
    """The table of one undisturbed run in one process with one thread."""
    assert calibrate("net.mlir", "--data_list", "list", "--method", "mse", output="whole") == 0
    return (samples / "whole").read_bytes()


def test_processes_give_the_same_bytes(samples, whole):
    assert calibrate("net.mlir", "--data_list", "list", "--method", "mse", "--jobs", "2") == 0
    assert (samples / "table").read_bytes() == whole


def test_a_dask_cluster_gives_the_same_bytes(samples, whole, tmp_path_factory):
    """Its workers have another current directory."""
    from distributed import LocalCluster

    here, elsewhere = Path.cwd(), tmp_path_factory.mktemp("elsewhere")
    os.chdir(elsewhere)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        os.chdir(here)
        assert calibrate("net.mlir", "--data_list", "list", "--method", "mse", "--dask", cluster.scheduler_address) == 0
    assert (samples / "table").read_bytes() == whole


def test_nobody_at_the_address_is_one_sentence(samples, capsys, monkeypatch):
    monkeypatch.setattr("tpuc_core.parallel.ANSWER_SECONDS", 1)
    assert calibrate("net.mlir", "--data_list", "list", "--dask", "tcp://127.0.0.1:9") == 1
    error = capsys.readouterr().err
    assert 'no Dask scheduler answers at "tcp://127.0.0.1:9"' in error and error.count("\n") == 1


@pytest.mark.parametrize("count", [2, 3, 50])
def test_shards_merge_to_the_same_bytes_in_any_order(samples, whole, count):
    files = []
    for number in range(1, count + 1):
        files.append(f"part{number}")
        assert calibrate("net.mlir", "--data_list", "list", "--shard", f"{number}/{count}", output=files[-1]) == 0
    assert calibrate("--merge", *reversed(files), "--method", "mse") == 0
    assert (samples / "table").read_bytes() == whole


def test_mean_inputs_of_filters_are_exact_however_they_were_spread(samples):
    """A filter reads the Relu: the table has the means of its channels, the same to the last digit."""
    model = load_model("net.mlir")
    relu = model.outputs[0]
    filters = np.ones((2, 3, 1, 1), np.float32)
    conv = top.ConvOp.make("z_Conv", [], tensor_type((1, 2, 8, 8)), kernel_shape=[1, 1], strides=[1, 1], pads=[0] * 4)
    model.main.body.block.insert_op_before(conv, relu.owner.next_op)
    conv.operands = [relu, model.add_weight("w", filters, conv), model.none(conv)]
    model.set_outputs([conv.results[0]])
    save_model(model, "net.mlir")
    assert calibrate("net.mlir", "--data_list", "list", output="whole") == 0
    means = CalibrationTable.read("whole").means
    arrays = np.concatenate([np.maximum(np.load(f"arrays/{i}.npy"), 0) for i in range(COUNT)])
    assert list(means) == ["z_Conv"]
    np.testing.assert_allclose(means["z_Conv"], arrays.mean(axis=(0, 2, 3), dtype=np.float64), rtol=1e-5)
    (samples / "reversed").write_text("".join(f"arrays/{i}.npy\n" for i in reversed(range(COUNT))))
    assert calibrate("net.mlir", "--data_list", "reversed", "--jobs", "2") == 0
    assert (samples / "table").read_bytes() == (samples / "whole").read_bytes()
    for number in (1, 2, 3):
        assert calibrate("net.mlir", "--data_list", "list", "--shard", f"{number}/3", output=f"part{number}") == 0
    assert calibrate("--merge", "part3", "part1", "part2") == 0
    assert (samples / "table").read_bytes() == (samples / "whole").read_bytes()


def test_what_does_not_make_a_whole_is_refused(samples, capsys):
    list_ = ("--data_list", "list")
    for output, args in {"a": ["--shard", "1/2"], "b": ["--shard", "2/2"], "third": ["--shard", "1/3"],
                         "less": ["--shard", "2/2", "--input_num", "9"]}.items():
        assert calibrate("net.mlir", *list_, *args, output=output) == 0
    part = Partial.load("b")
    part.done -= 1
    part.save("half")
    np.savez("other.npz", x=np.zeros(1))
    for files, message in {("a",): "shard 2/2 is missing", ("a", "a", "b"): "one is given twice", ("a", "third"): "not of one run",
                           ("a", "less"): "not of one run", ("a", "half"): '"half" has 19 of its 20 samples',
                           ("a", "other.npz"): '"other.npz" holds no statistics', ("a", "none"): 'no such file: "none"'}.items():
        capsys.readouterr()
        assert calibrate("--merge", *files) == 1
        assert message in capsys.readouterr().err
        assert not (samples / "table").exists()


def start(*args):
    return subprocess.Popen([str(TPUC), "calibrate", "net.mlir", "-o", "table", *args], stderr=subprocess.PIPE, text=True)


def kill_when(process, condition):
    """kill -9 as soon as the condition holds."""
    end = time.monotonic() + 60
    while not condition():
        assert process.poll() is None and time.monotonic() < end, "it ended before it could be killed"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_kill_9_half_way_and_resume_gives_the_same_bytes(samples, jobs):
    (samples / "long").write_text((samples / "list").read_text() * 12)
    args = ("--data_list", "long", "--method", "mse", "--jobs", jobs)
    assert calibrate("net.mlir", *args, output="whole") == 0
    checkpoint = samples / "table.checkpoint"
    kill_when(start(*args, "--checkpoint", "20"), checkpoint.exists)
    assert not (samples / "table").exists()
    kept = Partial.load(checkpoint)
    assert 20 <= kept.done < 12 * COUNT
    resumed = start(*args, "--resume")
    assert resumed.stderr is not None
    assert f"goes on after {kept.done} of {12 * COUNT} samples" in resumed.stderr.readline()
    resumed.communicate(timeout=120)
    assert resumed.returncode == 0
    assert (samples / "table").read_bytes() == (samples / "whole").read_bytes()
    assert not checkpoint.exists()


def test_resume_with_nothing_to_resume_begins_at_the_beginning(samples, whole):
    assert calibrate("net.mlir", "--data_list", "list", "--method", "mse", "--resume") == 0
    assert (samples / "table").read_bytes() == whole


def test_a_checkpoint_of_another_run_is_refused_and_without_resume_replaced(samples, whole, capsys):
    checkpoint = samples / "table.checkpoint"
    assert calibrate("net.mlir", "--data_list", "list", "--input_num", "5", "--shard", "1/1", output="table.checkpoint") == 0
    assert calibrate("net.mlir", "--data_list", "list", "--method", "mse", "--resume") == 1
    assert "is of another run" in capsys.readouterr().err
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    assert calibrate("net.mlir", "--data_list", "list", "--resume") == 1
    assert "is not an npz file" in capsys.readouterr().err
    assert calibrate("net.mlir", "--data_list", "list", "--method", "mse") == 0
    assert "is replaced" in capsys.readouterr().err
    assert (samples / "table").read_bytes() == whole


def test_statistics_survive_a_file(samples):
    assert calibrate("net.mlir", "--data_list", "list", "--shard", "1/1", output="all") == 0
    part = Partial.load("all")
    part.save("again")
    assert (samples / "all").read_bytes() == (samples / "again").read_bytes()
    assert list(part.tensors) == ["x", "y_Relu"] and part.run.name == load_model("net.mlir").name
