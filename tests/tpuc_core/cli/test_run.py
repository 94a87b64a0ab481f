import json
from dataclasses import dataclass

import numpy as np
import pytest

from tpuc_core.cli.main import run_command
from tpuc_core.cli.run import run
from tpuc_core.ir import Model, save_model, tensor_type, top
from tpuc_core.npz import load_npz
from tpuc_core.plugins import plugins
from tpuc_core.session import TensorInfo


@pytest.fixture
def mlir(tmp_path, monkeypatch):
    """y = max(x, 0) + 1 on [1, 4]."""
    monkeypatch.chdir(tmp_path)
    kind = tensor_type((1, 4), "f32")
    model = Model.new("net", "ONNX", [kind])
    x = top.InputOp.make("x", [model.main.args[0]], kind)
    relu = top.ReluOp.make("r", [x.results[0]], kind)
    y = top.AddConstOp.make("y", [relu.results[0]], kind, const_val=1.0)
    for op in (x, relu, y):
        model.main.body.block.add_op(op)
    model.set_outputs([y.results[0]])
    save_model(model, "net.mlir")
    np.savez("in.npz", anything=np.array([[-1, 0, 1, 2]], np.float32))
    return "net.mlir"


def call(*words):
    return run_command(run, list(words), "tpuc run")


def test_outputs_only_by_default(mlir, capsys):
    assert call("--model", mlir, "--input", "in.npz", "--output", "out.npz") == 0
    assert {n: a.tolist() for n, a in load_npz("out.npz").items()} == {"y": [[1, 1, 2, 3]]}
    assert capsys.readouterr().out == "out.npz: 1 tensors\n"


def test_every_tensor_by_name(mlir):
    assert call("--model", mlir, "--input", "in.npz", "--output", "out.npz", "--dump_all_tensors") == 0
    assert list(load_npz("out.npz")) == ["x", "r", "y"]


def test_random_input(mlir):
    assert call("--model", mlir, "--input", "random:3", "--output", "out.npz") == 0
    assert load_npz("out.npz")["y"].shape == (1, 4)


class Compiled:
    """A session with integers and a profile."""

    inputs = [TensorInfo("x", (1, 4))]
    outputs = [TensorInfo("y", (1, 4), "int8", 0.5)]
    rows = [{"engine": "TIU", "op": "conv", "cycles": 1234567}, {"engine": "DMA", "op": "load", "cycles": 10}]

    def run(self, inputs, *, all_tensors=False, dequantize=True):
        stored = np.array([[1, 2, 3, 4]], np.int8)
        return {"y": stored * np.float32(0.5) if dequantize else stored}

    def profile(self):
        return self.rows


class CompiledRunner:
    name = "compiled"
    suffixes = (".bin",)

    def open(self, path):
        return Compiled()


@pytest.fixture
def compiled(mlir, tmp_path, monkeypatch):
    monkeypatch.setattr(type(plugins()), "runners", property(lambda self: [CompiledRunner()]))
    (tmp_path / "net.bin").write_text("")
    return ["--model", "net.bin", "--input", "in.npz", "--output", "out.npz"]


def test_quantized_tensors_are_real_values_or_stored_ones(compiled):
    assert call(*compiled) == 0
    assert load_npz("out.npz")["y"].tolist() == [[0.5, 1, 1.5, 2]]
    assert call(*compiled, "--out_fixed") == 0
    assert load_npz("out.npz")["y"].dtype == np.int8


def test_profile_as_table_and_as_json(compiled, capsys):
    assert call(*compiled, "--profile") == 0
    assert "1,234,567" in capsys.readouterr().out
    assert call(*compiled, "--profile", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == Compiled.rows


@dataclass
class Costs:
    """A profile that writes its own table."""

    total_cycles: int = 42

    def table(self) -> str:
        return f"total {self.total_cycles} cycles"


def test_a_profile_may_write_its_own_table(compiled, capsys, monkeypatch):
    monkeypatch.setattr(Compiled, "rows", Costs())
    assert call(*compiled, "--profile") == 0
    assert "total 42 cycles" in capsys.readouterr().out
    assert call(*compiled, "--profile", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == {"total_cycles": 42}


@pytest.mark.parametrize(("words", "message"), [
    (["--model", "gone.mlir", "--input", "in.npz"], 'no such file: "gone.mlir"'),
    (["--model", "in.npz", "--input", "in.npz"], 'unknown model file kind ".npz"'),
    (["--model", "net.mlir", "--input", "in.npz", "--runner", "nonsense"], 'unknown runner "nonsense"'),
    (["--model", "net.mlir", "--input", "in.npz", "--profile"], 'there is no profile of "net.mlir"'),
    (["--model", "net.mlir", "--input", "wrong.npz"], 'input "x" of "wrong.npz" has shape [1, 5], the model wants [1, 4]'),
    (["--model", "net.mlir", "--input", "two.npz"], 'has no input "x"; it has a, b'),
])
def test_bad_input_is_one_sentence(mlir, capsys, words, message):
    np.savez("wrong.npz", x=np.zeros((1, 5), np.float32))
    np.savez("two.npz", a=np.zeros((1, 4), np.float32), b=np.zeros((1, 4), np.float32))
    assert call(*words) == 1
    assert message in capsys.readouterr().err
