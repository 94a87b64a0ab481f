"""A small net in a file, and pictures to calibrate it with."""

import cv2
import numpy as np
import pytest

from tpuc_core.images import Preprocessing
from tpuc_core.ir import Model, save_model, tensor_type, top

SHAPE = (1, 3, 8, 8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current directory, with net.mlir (relu(x)) and six pictures in pictures/."""
    monkeypatch.chdir(tmp_path)
    model = Model.new("net", "ONNX", [tensor_type(SHAPE)])
    block = model.main.body.block
    preprocessing = Preprocessing(resize_dims=(8, 8), mean=(100.0,) * 3, scale=(0.1,) * 3).attributes()
    x = top.InputOp.make("x", [block.args[0]], tensor_type(SHAPE), **preprocessing)
    relu = top.ReluOp.make("y_Relu", [x.results[0]], tensor_type(SHAPE))
    block.add_ops([x, relu])
    model.set_outputs([relu.results[0]])
    save_model(model, "net.mlir")
    random = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for i in range(6):
        cv2.imwrite(f"pictures/{i}.png", random.integers(0, 40 * (i + 1), (8, 8, 3), np.uint8))
    return tmp_path
