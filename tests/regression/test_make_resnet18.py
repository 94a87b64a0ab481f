from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnxruntime

SCRIPT = Path(__file__).parents[2] / "regression" / "make_resnet18.py"


def test_the_model_has_torchvision_s_shape_and_keeps_its_activations_alive() -> None:
    spec = importlib.util.spec_from_file_location("make_resnet18", SCRIPT)
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    model = script.resnet18()
    parameters = sum(int(np.prod(w.dims)) for w in model.graph.initializer)
    assert parameters == 11_689_512 - 4_800  # torchvision's, less one of the two vectors of 20 folded normalisations
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(np.float32)
    (y,) = session.run(None, {"input": x})
    assert y.shape == (1, 1000)
    assert 0.1 < y.std() < 10
