"""Caffe files in a directory of the test, their import, and the comparison with OpenCV."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tpuc_caffe.plugin import CaffeFrontend

sys.path.insert(0, str(Path(__file__).parent))

from caffe_nets import Blobs, caffemodel

from tpuc_core.evaluate import evaluate
from tpuc_core.hookspecs import FrontendOptions
from tpuc_core.ir import Model, shape_of, tensor_name
from tpuc_core.npz import compare


@pytest.fixture
def save(tmp_path):
    """Writes net.prototxt and, where there are weights, net.caffemodel; the path of the first."""

    def run(text: str, blobs: Blobs | None = None, name: str = "net") -> Path:
        path = tmp_path / f"{name}.prototxt"
        path.write_text(f'name: "{name}"\n{text}', encoding="utf-8")
        if blobs:
            path.with_suffix(".caffemodel").write_bytes(caffemodel(blobs))
        return path

    return run


@pytest.fixture
def load():
    """Imports a file."""

    def run(path: Path, **options) -> Model:
        return CaffeFrontend().load([path], FrontendOptions("net", **options))

    return run


@pytest.fixture
def check(save, load):
    """Imports a net and compares every tensor with OpenCV on random inputs; the model and the tensors."""

    def run(text: str, blobs: Blobs | None = None, *, wanted: Sequence[str] = ("y",), positive: bool = False, **options):
        path = save(text, blobs)
        model = load(path, **options)
        rng = np.random.default_rng(3)
        inputs = {tensor_name(op.results[0]): rng.standard_normal(shape_of(op.results[0])).astype(np.float32) for op in model.inputs}
        if positive:
            inputs = {name: np.abs(array) + 0.1 for name, array in inputs.items()}
        found = evaluate(model, inputs)
        theirs = CaffeFrontend().reference([path], FrontendOptions("net", **options)).run(inputs, all_tensors=True)
        report = compare(found, theirs, 0.99999, 0.9999)
        assert report.passed, "\n".join(line for each in report.failures for line in each.lines(2))
        assert set(wanted) <= {each.name for each in report.comparisons}
        for name in wanted:
            assert found[name].shape == theirs[name].shape
            np.testing.assert_allclose(found[name], theirs[name], rtol=1e-4, atol=1e-5)
        return model, found

    return run
