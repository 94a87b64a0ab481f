from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

REGRESSION = Path(__file__).parents[2] / "regression"
pytestmark = pytest.mark.zoo


@pytest.fixture(scope="module")
def zoo():
    spec = importlib.util.spec_from_file_location("zoo", REGRESSION / "zoo.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.Zoo()
    try:
        for name in ("efficientnet_lite0", "mobilenet_v2_dequant", "resnet8_cifar10"):
            found.model(name)
        found.images()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    return found


def pixels(image: Path, size: int) -> np.ndarray:
    """The centre of a picture, RGB, float32 [1, 3, size, size]."""
    rgb = cv2.imread(str(image))[:, :, ::-1]
    top, left = (rgb.shape[0] - size) // 2, (rgb.shape[1] - size) // 2
    return rgb[top : top + size, left : left + size].astype(np.float32).transpose(2, 0, 1)[None]


@pytest.mark.parametrize(
    ("name", "folder", "size", "mean", "scale", "first_class", "least"),
    [
        ("efficientnet_lite0", "imagenet1k_256", 224, 127.0, 1 / 128, 0, 0.8),
        ("mobilenet_v2_dequant", "imagenet1k_256", 224, 127.5, 1 / 127.5, 1, 0.8),
        ("resnet8_cifar10", "cifar10_20", 32, 0.0, 1.0, 0, 0.9),
    ],
)
def test_a_derived_model_is_as_right_as_its_source(zoo, name, folder, size, mean, scale, first_class, least) -> None:
    session = onnxruntime.InferenceSession(str(zoo.model(name)[0]), providers=["CPUExecutionProvider"])
    labels, images = (
        zoo.labels(folder),
        zoo.images(folder)[::25] if folder.startswith("imagenet") else zoo.images(folder),
    )
    right = 0
    for image in images:
        x = (pixels(image, size) - np.float32(mean)) * np.float32(scale)
        (y,) = session.run(None, {session.get_inputs()[0].name: x})
        right += int(y.argmax()) - first_class == labels[image.name]
    assert right >= least * len(images)
