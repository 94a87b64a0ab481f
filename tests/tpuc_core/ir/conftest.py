"""What the tests of the IR share: files of the vendor's tools, a builder of small models, the vendor's tpuc-opt."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tpuc_core.ir import Model, is_none, tensor_type, top

DATA = Path(__file__).parent / "data"


@pytest.fixture
def data() -> Path:
    """The folder of golden files."""
    return DATA


class Builder:
    """Builds a `top` model op by op; shapes are left to shape inference."""

    def __init__(self, *shapes: tuple[int, ...]):
        self.model = Model.new("net", "ONNX", [tensor_type(shape) for shape in shapes])
        self.block = self.model.main.body.block
        self.inputs = [self.add(top.InputOp, f"in{i}", [a], a.type) for i, a in enumerate(self.block.args)]
        self._none = None

    def add(self, kind, names, operands, types=None, **attributes):
        """Append an op; its result, or its results where it has several names."""
        count = 1 if isinstance(names, str) else len(names)
        op = kind.make(names, operands, [tensor_type(None)] * count if types is None else types, **attributes)
        self.block.add_op(op)
        return op.results[0] if count == 1 else list(op.results)

    def weight(self, name, values):
        array = np.asarray(values, np.float32)
        self.model.weights[name] = array
        return self.add(top.WeightOp, name, [], tensor_type(array.shape))

    def none(self):
        if self._none is None:
            op = top.NoneOp.create(result_types=[_none_type()])
            self.block.add_op(op)
            self._none = op.results[0]
        assert is_none(self._none)
        return self._none

    def finish(self, *outputs) -> Model:
        self.model.set_outputs(outputs)
        return self.model


def _none_type():
    from xdsl.dialects.builtin import NoneType

    return NoneType()


@pytest.fixture
def build():
    """The class of builders: `build((1, 3, 8, 8))` begins a model with one input."""
    return Builder


@pytest.fixture(scope="session")
def vendor_opt():
    """Runs the vendor's tpuc-opt in a directory: `vendor_opt(directory, file, *passes)` -> text of its output."""
    root = Path(os.environ.get("TPUC_VENDOR") or Path.home() / ".cache" / "tpuc-vendor")
    python, tool = root / "bin/python", root / "bin/tpuc-opt"
    if not (python.exists() and tool.exists()):
        pytest.skip(f"the vendor's tools are not under {root}: run `make vendor`, or set TPUC_VENDOR")

    def run(directory: Path, file: str, *passes: str) -> str:
        command = [python, tool, file, *(passes or ["--mlir-disable-threading"]), "-o", "answer.mlir"]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, errors="replace", timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return (directory / "answer.mlir").read_text()

    return run
