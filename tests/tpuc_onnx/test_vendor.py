"""The vendor's tpuc-opt takes our text of what ONNX models become, and prints it back as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tpuc_onnx.plugin import OnnxFrontend

from tpuc_core.errors import TpucError
from tpuc_core.hookspecs import FrontendOptions
from tpuc_core.ir import save_model

sys.path.insert(0, str(Path(__file__).parent))
from node_conformance import all_cases
from onnx_node_cases import with_constants

VENDOR = Path(os.environ.get("TPUC_VENDOR") or Path.home() / ".cache" / "tpuc-vendor")
# node tests, with how many inputs stay variable: one for each `top` op that they bring in
CASES = {
    "lstm_defaults": 1, "lstm_bidirectional": 1, "gru_with_initial_bias": 1, "gru_batchwise": 1, "top_k": 1, "where_example": 3,
    "less": 2, "equal": 2, "isinf": 1, "xor2d": 2, "gather_1": 2, "gather_elements_0": 2, "gathernd_example_float32": 2,
    "scatter_elements_with_axis": 3, "scatternd": 3, "cumsum_1d": 1, "triu": 1, "onehot_with_axis": 1, "mod_mixed_sign_float32": 2,
    "pow_bcast_array": 2, "acos": 1, "atanh": 1, "cosh": 1, "sinh": 1, "tan": 1, "erf": 1, "einsum_batch_matmul": 2,
    "averagepool_3d_default": 1, "layer_normalization_4d_axis1": 1, "instancenorm_example": 1, "group_normalization_example": 1, "lrn": 1,
    "gelu_tanh_1": 1, "reversesequence_time": 1, "attention_4d": 3, "argmax_default_axis_example": 1,
}


def lines(text: str) -> list[str]:
    """Everything but the module's own line."""
    return [line for line in text.strip().splitlines() if not line.startswith("module ")]


@pytest.mark.slow
@pytest.mark.vendor
@pytest.mark.parametrize("name", CASES)
def test_text_of_a_node_is_the_vendors(name, tmp_path):
    tool = VENDOR / "bin" / "tpuc-opt"
    if not tool.exists():
        pytest.skip(f"the vendor's tools are not under {VENDOR}: run `make vendor`, or set TPUC_VENDOR")
    if name not in all_cases():
        pytest.skip(f"the package onnx has no node test {name}")
    model, _, _ = with_constants(all_cases()[name], CASES[name])
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    try:
        imported = OnnxFrontend().load([tmp_path / "net.onnx"], FrontendOptions("net"))
    except TpucError as error:
        pytest.fail(str(error))
    save_model(imported, tmp_path / "ours.mlir")
    done = subprocess.run([VENDOR / "bin" / "python", tool, "ours.mlir", "--mlir-disable-threading", "-o", "answer.mlir"], cwd=tmp_path,
                          capture_output=True, text=True, errors="replace", timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines((tmp_path / "answer.mlir").read_text()) == lines((tmp_path / "ours.mlir").read_text())
