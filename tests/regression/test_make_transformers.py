"""Attention, layer norms, GELU and embeddings as exporters write them: imported, compared tensor by tensor, compiled."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from tpuc_onnx.plugin import OnnxFrontend

from tpuc_core.evaluate import evaluate
from tpuc_core.hookspecs import FrontendOptions
from tpuc_core.ir import Model
from tpuc_core.npz import compare

SCRIPT = Path(__file__).parents[2] / "regression" / "make_transformers.py"
RANDOM = np.random.default_rng(1)
INPUTS = {
    "tiny_vit": {"pixels": RANDOM.standard_normal((1, 3, 32, 32)).astype(np.float32)},
    "tiny_bert": {
        "input_ids": RANDOM.integers(0, 50, (1, 12)),
        "attention_mask": np.array([[1] * 9 + [0] * 3]),
        "token_type_ids": RANDOM.integers(0, 2, (1, 12)),
    },
}


@pytest.fixture(scope="session", params=INPUTS)
def network(request, tmp_path_factory) -> Path:
    spec = importlib.util.spec_from_file_location("make_transformers", SCRIPT)
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    path = tmp_path_factory.mktemp("transformers") / f"{request.param}.onnx"
    onnx.save(getattr(script, request.param)(), path)
    return path


def imported(path: Path) -> Model:
    return OnnxFrontend().load([path], FrontendOptions(path.stem))


def test_every_tensor_is_onnxruntimes(network):
    inputs = INPUTS[network.stem]
    reference = OnnxFrontend().reference([network], FrontendOptions(network.stem)).run(inputs, all_tensors=True)
    report = compare(evaluate(imported(network), inputs), reference, 0.99999, 0.9999)
    assert report.passed, report.failures
    assert len(report.comparisons) >= 50


def test_norms_and_gelu_are_one_op_each_and_attention_is_its_products(network):
    kinds = Counter(op.name for op in imported(network).ops())
    assert kinds["top.GELU"] == 2 and kinds["top.LayerNorm"] == 5 and kinds["top.Softmax"] == 2
    assert kinds["top.MatMul"] == 2 * (4 + 2 + 2) + 1
    assert not kinds["top.Erf"] and not kinds["top.Div"]


def test_a_transformer_is_compiled_and_proven(network):
    np.savez(network.with_name("in.npz"), **INPUTS[network.stem])
    program = Path(sys.executable).with_name("tpuc")
    printed: list[str] = []
    for words in (f"transform --model_name net --model_def {network.name} --mlir net.mlir",
                  "deploy --mlir net.mlir --chip bm1684x --quantize F32 --test_input in.npz --tolerance 0.999,0.999 --model net.bmodel"):
        done = subprocess.run([program, *words.split()], cwd=network.parent, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        printed.append(done.stdout)
    assert re.search(r"^proof: (\d+) tensors, \1 equal", printed[-1], re.MULTILINE)
