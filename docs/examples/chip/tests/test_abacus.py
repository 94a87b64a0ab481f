import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tpuc_abacus.chip import Abacus, MachineRunner

from tpuc_core.ir import top
from tpuc_core.plan import Precision
from tpuc_core.testing import check_coverage, check_equality, one_op_model

RNG = np.random.default_rng(0)
MATRIX = RNG.standard_normal((5, 7)).astype(np.float32)
MODELS = {
    "dense": one_op_model(top.MatMulOp, (3, 5), MATRIX, None, do_relu=True),
    "add": one_op_model(top.AddOp, (2, 3), (2, 3)),
    "conv": one_op_model(top.ConvOp, (1, 1, 4, 4), RNG.standard_normal((1, 1, 3, 3)).astype(np.float32), None,
                         kernel_shape=[3, 3], strides=[1, 1], pads=[0] * 4),
}


def test_the_chip_lowers_what_it_says_it_can():
    reasons = {(case.model, case.precision): case.reason for case in check_coverage(Abacus(), MODELS, [Precision.F32, Precision.F16])}
    assert reasons["dense", Precision.F32] == reasons["add", Precision.F32] == ""
    assert reasons["conv", Precision.F32] == "no instruction for top.Conv"
    assert reasons["dense", Precision.F16] == "F16 arithmetic"


@pytest.mark.parametrize("name", ["dense", "add"])
def test_interpreter_and_machine_agree_to_the_bit(tmp_path, name):
    assert check_equality(Abacus(), MachineRunner(), MODELS[name], tmp_path)["y"].dtype == np.float32


def test_a_perceptron_is_deployed_and_certified_by_the_command_line(tmp_path):
    path = perceptron(tmp_path)
    tpuc("transform", "--model_name", "net", "--model_def", path, "--test_input", "random", "--mlir", "net.mlir", cwd=tmp_path)
    printed = tpuc("deploy", "--mlir", "net.mlir", "--chip", "abacus", "--quantize", "F32", "--model", "net.abacus", cwd=tmp_path)
    assert "equal bit for bit" in printed
    assert '"holds": true' in (tmp_path / "net.abacus").read_bytes().decode("latin-1")
    tpuc("run", "--model", "net.abacus", "--input", "random:3", "--output", "out.npz", cwd=tmp_path)
    with np.load(tmp_path / "out.npz") as outputs:
        assert outputs["y_Gemm"].shape == (2, 3)


def perceptron(directory: Path) -> Path:
    """A small ONNX net of two layers."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (("x", [2, 5]), ("y", [2, 3]))]
    weights = [numpy_helper.from_array(RNG.standard_normal(shape).astype(np.float32), name)
               for name, shape in (("w1", (5, 7)), ("b1", (7,)), ("w2", (7, 3)), ("b2", (3,)))]
    nodes = [helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]), helper.make_node("Relu", ["h"], ["r"]),
             helper.make_node("Gemm", ["r", "w2", "b2"], ["y"])]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], weights)
    path = directory / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9), path)
    return path


def tpuc(*words, cwd: Path) -> str:
    command = [sys.executable, "-m", "tpuc_core", *map(str, words)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
