from dataclasses import replace

import cv2
import numpy as np
import pytest

from tpuc_core.errors import TpucError
from tpuc_core.images import Preprocessing
from tpuc_core.images.doctor import Variant, diagnose, grid_diagnosis

SHAPE = (1, 3, 28, 28)
OWN = Preprocessing((32, 32), (123.675, 116.28, 103.53), (0.0171, 0.0175, 0.0174), "rgb", keep_aspect_ratio=True, keep_ratio_mode="short_side_scale")


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """A wide picture of smooth colours and some noise, as photographs are."""
    y, x = np.mgrid[0:60, 0:90]
    waves = [127 + 60 * np.sin(x / a) * np.cos(y / b) + c for a, b, c in ((9, 7, 20), (13, 11, -30), (5, 17, 0))]
    noise = np.random.default_rng(1).integers(-20, 20, (60, 90, 3))
    path = tmp_path_factory.mktemp("doctor") / "waves.png"
    cv2.imwrite(str(path), np.clip(np.stack(waves, -1) + noise, 0, 255).astype(np.uint8))
    return str(path)


def findings(diagnosis):
    return {f.what: f.found for f in diagnosis.findings}


def test_the_models_own_preprocessing(picture):
    diagnosis = diagnose(OWN.apply(picture, SHAPE), picture, OWN, SHAPE)
    assert diagnosis.is_equal and diagnosis.difference == 0.0


@pytest.mark.parametrize("changes, found", [
    ({"pixel_format": "bgr"}, {"order of channels": "bgr"}),
    ({"mean": (0.0, 0.0, 0.0)}, {"mean": "0,0,0"}),
    ({"mean": (103.53, 116.28, 123.675)}, {"mean": "103.53,116.28,123.675"}),
    ({"scale": (0.5, 0.25, 0.5)}, {"scale": "0.5,0.25,0.5"}),
    ({"resize_dims": (28, 28)}, {"resize": "to 28,28, short_side_scale"}),
    ({"keep_aspect_ratio": False}, {"resize": "to 32,32"}),
    ({"resize_dims": (28, 28), "keep_ratio_mode": "letterbox"}, {"resize": "to 28,28, letterbox, center"}),
    ({"pixel_format": "bgr", "mean": (0.0,), "scale": (1.0,), "resize_dims": (28, 28)},
     {"order of channels": "bgr", "mean": "0,0,0", "scale": "1,1,1", "resize": "to 28,28, short_side_scale"}),
])
def test_what_differs_is_named(picture, changes, found):
    array = replace(OWN, **changes).apply(picture, SHAPE)
    diagnosis = diagnose(array, picture, OWN, SHAPE)
    assert findings(diagnosis) == found
    assert not diagnosis.is_equal and diagnosis.difference > 1 and diagnosis.remaining < 0.1


@pytest.mark.parametrize("changes, found", [
    ({"crop": "top left"}, {"crop": "top left"}), ({"interpolation": "nearest"}, {"interpolation": "nearest"}),
    ({"interpolation": "cubic"}, {"interpolation": "cubic"})])
def test_ways_of_other_tools(picture, changes, found):
    array = Variant(**{**vars(OWN), **changes}).apply(picture, SHAPE)
    assert findings(diagnose(array, picture, OWN, SHAPE)) == found


def test_channels_last(picture):
    array = OWN.apply(picture, SHAPE).transpose(0, 2, 3, 1)
    assert findings(diagnose(array, picture, OWN, SHAPE)) == {"layout": "nhwc"}
    assert findings(diagnose(array.reshape(SHAPE), picture, OWN, SHAPE)) == {"layout": "nhwc"}


def test_an_unknown_resizer_is_close_to_a_known_one(picture):
    """Noise of two grey levels, as another interpolation makes: mean and scale are still the model's."""
    array = OWN.apply(picture, SHAPE) + np.random.default_rng(2).normal(0, 2 * 0.017, SHAPE).astype(np.float32)
    diagnosis = diagnose(array, picture, OWN, SHAPE)
    assert findings(diagnosis) == {}
    assert not diagnosis.is_equal and diagnosis.is_explained and 2 < diagnosis.remaining < 12


def test_another_picture(picture):
    array = np.random.default_rng(3).standard_normal(SHAPE).astype(np.float32)
    assert not diagnose(array, picture, OWN, SHAPE).is_explained


def test_an_array_of_another_size(picture):
    with pytest.raises(TpucError, match="the model's input"):
        diagnose(np.zeros((1, 3, 20, 20), np.float32), picture, OWN, SHAPE)


def test_without_the_picture_values_must_be_grey_levels(picture):
    assert grid_diagnosis(OWN.apply(picture, SHAPE), OWN, SHAPE).is_equal
    other = grid_diagnosis(replace(OWN, mean=(0.0,), scale=(1 / 255,)).apply(picture, SHAPE), OWN, SHAPE)
    assert findings(other) == {"mean": "0", "scale": "0.00392157"}
    assert not grid_diagnosis(np.random.default_rng(3).standard_normal(SHAPE), OWN, SHAPE).is_explained
