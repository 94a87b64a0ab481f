"""Real models: every tensor close to onnxruntime's."""

import os
from pathlib import Path

import numpy as np
import pytest
from tpuc_onnx.plugin import OnnxFrontend

from tpuc_core.evaluate import evaluate
from tpuc_core.hookspecs import FrontendOptions
from tpuc_core.ir import shape_of, tensor_name
from tpuc_core.npz import compare

ZOO = Path(os.environ.get("TPUC_ZOO", Path.home() / ".cache" / "tpuc-zoo")) / "models"
# model: shapes where the file leaves them open, and how many tensors must be common at least
MODELS = {
    "efficientnet_lite0": (None, 50), "mobilenet_v2_dequant": (None, 50), "ultraface_rfb_320": (None, 50), "mnist_8": (None, 4),
    "super_resolution_10": ([[1, 1, 224, 224]], 4), "resnet8_cifar10": (None, 8), "resnet18": ([[1, 3, 224, 224]], 20),
}


@pytest.mark.zoo
@pytest.mark.parametrize("name", MODELS)
def test_every_tensor_of_a_zoo_model(name):
    path = ZOO / f"{name}.onnx"
    if not path.exists():
        pytest.skip(f"{path} is not there: run `make zoo`")
    shapes, least = MODELS[name]
    options = FrontendOptions(name, shapes)
    model = OnnxFrontend().load([path], options)
    rng = np.random.default_rng(0)
    inputs = {tensor_name(op.results[0]): rng.normal(size=shape_of(op.results[0])).astype(np.float32) for op in model.inputs}
    reference = OnnxFrontend().reference([path], options).run(inputs, all_tensors=True)
    report = compare(evaluate(model, inputs), reference, 0.9999, 0.9999)
    assert report.passed, report.failures
    assert len(report.comparisons) >= least
