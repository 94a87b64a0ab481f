"""PriorBox is a constant; DetectionOutput gives OpenCV's boxes."""

import sys
from pathlib import Path

import numpy as np
import pytest
from tpuc_caffe.files import read_prototxt
from tpuc_caffe.layers.priors import PriorBoxes

sys.path.insert(0, str(Path(__file__).parent))

from caffe_nets import PICTURE_AND_MAP as DATA
from caffe_nets import detector, inputs_text, kinds, layer_text, random

from tpuc_core.errors import TpucError
from tpuc_core.evaluate import evaluate
from tpuc_core.ir import shape_of

PRIORS = {
    "min_size: 10 variance: 0.1": 1,
    "min_size: 10 max_size: 15 aspect_ratio: 2 flip: true clip: false variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2": 4,
    "min_size: 10 min_size: 16 aspect_ratio: 2 aspect_ratio: 3 flip: false clip: true variance: 0.1 step: 8 offset: 0.25": 6,
    "min_size: 7 aspect_ratio: 1 aspect_ratio: 2 flip: true clip: false variance: 0.1 step_h: 9 step_w: 11": 3,
}


def test_priors_reach_over_the_edge_unless_they_are_clipped(save, load):
    """OpenCV clips where nothing is said."""
    path = save(DATA + layer_text("PriorBox", "map data", parameters="prior_box_param { min_size: 30 }"))
    layer = read_prototxt(path).layer[-1].prior_box_param
    assert PriorBoxes.of(layer, (4, 6), (40, 60)).array((4, 6))[0, 0].min() < 0


def opencv_priors(path: Path) -> np.ndarray:
    import cv2

    net = cv2.dnn.readNetFromCaffe(str(path))
    net.setInput(np.zeros((1, 3, 40, 60), np.float32), "data")
    net.setInput(np.zeros((1, 8, 4, 6), np.float32), "map")
    return net.forward("y")


@pytest.mark.parametrize("parameters", PRIORS)
def test_priors_are_opencvs(save, parameters):
    path = save(DATA + layer_text("PriorBox", "map data", parameters=f"prior_box_param {{ {parameters} }}"))
    layer = read_prototxt(path).layer[-1].prior_box_param
    found = PriorBoxes.of(layer, (4, 6), (40, 60)).array((4, 6))
    assert found.shape == (1, 2, 4 * 6 * 4 * PRIORS[parameters])
    np.testing.assert_allclose(found, opencv_priors(path), atol=1e-6)


def test_sizes_that_do_not_fit_are_refused(save, load):
    text = DATA + layer_text("PriorBox", "map data", parameters="prior_box_param { min_size: 1 min_size: 2 max_size: 3 }")
    with pytest.raises(TpucError, match="it gives 2 min_size and 1 max_size"):
        load(save(text))


@pytest.mark.parametrize("options", [
    {}, {"code": "CORNER"}, {"share": False}, {"keep": 4}, {"classes": 2},
], ids=str)  # fmt: skip
def test_boxes_are_opencvs(check, options):
    model, found = check(detector(**options), wanted=["y"])
    assert kinds(model)[-1] == "DetectionOutput" and "PriorBox" not in kinds(model)
    rows = found["y"].reshape(-1, 7)
    assert shape_of(model.outputs[0]) == (1, 1, options.get("keep", 20), 7)
    assert 0 < (rows[:, 2] > 0.3).sum() <= len(rows)


def test_all_boxes_are_kept_where_keep_top_k_is_not_set(load, save):
    model = load(save(detector(keep=-1)))
    assert shape_of(model.outputs[0]) == (1, 1, 30 * 2, 7)


def test_each_picture_has_rows_of_its_own(load, save):
    text = inputs_text(loc=(2, 24 * 4), conf=(2, 24 * 2)) + DATA + layer_text("PriorBox", "map data", "p", "prior_box_param { min_size: 9 }")
    text += layer_text("DetectionOutput", "loc conf p", parameters="detection_output_param { num_classes: 2 keep_top_k: 5 code_type: CENTER_SIZE "
                       "nms_param { nms_threshold: 0.3 top_k: 9 } confidence_threshold: 0.1 }")
    model = load(save(text))
    inputs = {"loc": random(2, 96), "conf": np.abs(random(2, 48)), "data": np.zeros((1, 3, 40, 60)), "map": np.zeros((1, 8, 4, 6))}
    both = evaluate(model, inputs)["y"]
    turned = evaluate(model, inputs | {name: inputs[name][::-1] for name in ("loc", "conf")})["y"]
    assert both.shape == (2, 1, 5, 7) and (both[1, 0, :, 0] == 1).any()
    np.testing.assert_array_equal(both[:, :, :, 1:], turned[::-1, :, :, 1:])


def test_locations_that_do_not_fit_are_refused(load, save):
    with pytest.raises(TpucError, match="do not fit 90 boxes and 3 classes"):
        load(save(detector().replace("dim: 360", "dim: 356")))
