"""Inputs made of pictures, bit for bit those of the vendor's model_transform."""

import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from tpuc_core.images import Preprocessing
from tpuc_core.npz import load_npz

VENDOR = Path(os.environ.get("TPUC_VENDOR", Path.home() / ".cache" / "tpuc-vendor"))
SETTINGS = {
    "stretched": {"mean": (123.675, 116.28, 103.53), "scale": (0.0171, 0.0175, 0.0174), "pixel_format": "rgb", "resize_dims": (40, 36)},
    "letterbox": {"mean": (10.5, 20, 30), "keep_aspect_ratio": True, "pad_value": 114},
    "short_side": {"scale": (0.0039,) * 3, "keep_aspect_ratio": True, "keep_ratio_mode": "short_side_scale", "resize_dims": (48, 48)},
    "corner": {"keep_aspect_ratio": True, "pad_type": "normal", "pixel_format": "rgb"},
}


def words_of(fields):
    for name, value in fields.items():
        yield f"--{name}"
        if value is not True:
            yield ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@pytest.mark.vendor
@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_input_is_the_vendors(setting, tmp_path):
    if not (VENDOR / "complete").exists():
        pytest.skip(f"the vendor's tools are not in {VENDOR}: run `make vendor`")
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "net", [value("x", 1, [1, 3, 32, 32])],
                                   [value("y", 1, [1, 3, 32, 32])])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), tmp_path / "net.onnx")
    noise = np.random.default_rng(0).integers(0, 256, (11, 15, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "picture.png"), cv2.resize(noise, (75, 53), interpolation=cv2.INTER_CUBIC))
    command = [str(VENDOR / "bin" / "model_transform.py"), "--model_name", "net", "--model_def", "net.onnx", "--mlir", "net.mlir",
               "--test_input", "picture.png", "--test_result", "out.npz", *words_of(SETTINGS[setting])]
    environment = os.environ | {"PATH": f"{VENDOR / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    wanted = load_npz(tmp_path / "net_in_f32.npz")["x"]
    np.testing.assert_array_equal(Preprocessing(**SETTINGS[setting]).batch([tmp_path / "picture.png"], (1, 3, 32, 32)), wanted)
