"""The established tool chain reads our lowered models."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tpuc_core.ir import save_model

pytestmark = pytest.mark.vendor

ROOT = Path(os.environ.get("TPUC_VENDOR") or Path.home() / ".cache" / "tpuc-vendor")


def without_weight_file(text: str) -> str:
    return re.sub(r'module\.weight_file = "[^"]*"', "", text).rstrip()


@pytest.fixture
def read_and_printed(tmp_path):
    """The text that tpuc-opt prints for a model's text."""
    python, tool = ROOT / "bin" / "python", ROOT / "bin" / "tpuc-opt"
    if not tool.exists():
        pytest.skip(f"the vendor's tools are not in {ROOT}")

    def run(model) -> tuple[str, str]:
        save_model(model, tmp_path / "given.mlir")
        command = [python, tool, "given.mlir", "--mlir-disable-threading", "-o", "answer.mlir"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr[-2000:]
        return (tmp_path / "given.mlir").read_text(), (tmp_path / "answer.mlir").read_text()

    return run


@pytest.mark.parametrize("name", ["cnn", "det"])
@pytest.mark.parametrize("mode", ["INT8", "INT8 asymmetric", "INT8 at the border", "F32"])
def test_lowered_text_comes_back_unchanged(name, mode, lowered_int8, lowered_f32, read_and_printed):
    is_quantized_border = mode == "INT8 at the border"
    model = lowered_f32(name) if mode == "F32" else lowered_int8(
        name, symmetry="asym" if "asym" in mode else "sym", quant_input=is_quantized_border, quant_output=is_quantized_border)[0]
    ours, answer = read_and_printed(model)
    assert without_weight_file(answer) == without_weight_file(ours)
