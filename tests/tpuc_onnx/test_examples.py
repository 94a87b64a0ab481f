"""Imported text, op for op, against that of the established tools for the same three nets (data/NAME.onnx, data/NAME.mlir)."""

import re
from pathlib import Path

import pytest
from tpuc_onnx.plugin import OnnxFrontend

from tpuc_core.hookspecs import FrontendOptions
from tpuc_core.images import Preprocessing
from tpuc_core.ir import print_text

DATA = Path(__file__).parent / "data"
# the tools number the weights that folding makes; here they are named after the batch norm's output
RENAMED = {'"30"': '"b1_weight"', '"32"': '"b1_bias"'}


def lines(text):
    """Everything but the module's own attributes (sizes and file names)."""
    return [line for line in text.strip().splitlines() if not line.startswith("module ")]


@pytest.mark.parametrize("name", ["cnn", "det", "tfm"])
def test_text_is_that_of_the_established_tools(name):
    model = OnnxFrontend().load([DATA / f"{name}.onnx"], FrontendOptions(name, preprocessing=Preprocessing()))
    wanted = (DATA / f"{name}.mlir").read_text()
    for old, new in RENAMED.items():
        wanted = wanted.replace(f"loc({old})", f"loc({new})")
    got = lines(print_text(model.module))
    assert len(re.findall(r'"top\.', "\n".join(got))) > 10
    assert got == lines(wanted)
