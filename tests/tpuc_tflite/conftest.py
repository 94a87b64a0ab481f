"""What is imported is what LiteRT computes: a file, its model, and both results on the same input."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from flatfiles import build
from tpuc_tflite.frontend import load, reference

from tpuc_core.evaluate import evaluate
from tpuc_core.hookspecs import FrontendOptions
from tpuc_core.images import Preprocessing
from tpuc_core.ir import shape_of, tensor_name


@pytest.fixture
def options():
    return FrontendOptions("net", preprocessing=Preprocessing())


@pytest.fixture
def write(tmp_path):
    """A file of tensors and nodes; its path."""

    def run(tensors, nodes, inputs, outputs):
        path = tmp_path / "net.tflite"
        path.write_bytes(build(tensors, nodes, inputs, outputs))
        return path

    return run


@pytest.fixture
def imported(write, options):
    """The model of tensors and nodes, after asserting that every tensor is LiteRT's within `tolerance`."""

    def run(tensors, nodes, inputs, outputs, tolerance=1e-5, low=-2.0, high=2.0):
        path = write(tensors, nodes, inputs, outputs)
        model = load(path, options)
        rng = np.random.default_rng(0)
        values = {
            tensor_name(op.results[0]): rng.uniform(low, high, shape_of(op.results[0])).astype(np.float32)
            for op in model.inputs
        }
        wanted = reference(path, options).run(values, all_tensors=True)
        found = evaluate(model, values)
        common = [name for name in found if name in wanted]
        assert {tensor_name(v) for v in model.outputs} <= set(common)
        for name in common:
            np.testing.assert_allclose(found[name], wanted[name], rtol=tolerance, atol=tolerance, err_msg=name)
        return model

    return run
