"""Small Caffe nets, written as text with random weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from tpuc_caffe.schema import message_class

from tpuc_core.ir import Model

Blobs = Mapping[str, Sequence[np.ndarray]]


def inputs_text(**shapes: Sequence[int]) -> str:
    """Input layers."""
    return "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {" ".join(f"dim: {d}" for d in shape)} }} }} }}\n'
        for name, shape in shapes.items()
    )


def layer_text(kind: str, bottoms: str = "data", top: str = "y", parameters: str = "", name: str = "") -> str:
    """A layer of the new kind; bottoms and tops with blanks between."""
    ends = "".join(f' {word}: "{blob}"' for word, blobs in (("bottom", bottoms), ("top", top)) for blob in blobs.split())
    return f'layer {{ name: "{name or top.split()[0]}" type: "{kind}"{ends} {parameters} }}\n'


def random(*shape: int, seed: int = 0, scale: float = 0.5) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def caffemodel(blobs: Blobs) -> bytes:
    """A file with these weights, by layer."""
    net = message_class("NetParameter")()
    for name, arrays in blobs.items():
        layer = net.layer.add(name=name)
        for array in arrays:
            layer.blobs.add(data=array.ravel().tolist()).shape.dim.extend(array.shape)
    return net.SerializeToString()


def kinds(model: Model) -> list[str]:
    """The ops of a model without the dialect's name."""
    return [re.sub(r"^top\.", "", op.name) for op in model.ops()]


PICTURE_AND_MAP = inputs_text(data=(1, 3, 40, 60), map=(1, 8, 4, 6))


def detector(classes: int = 3, *, share: bool = True, code: str = "CENTER_SIZE", more: str = "", keep: int = 20) -> str:
    """Boxes of two maps, 4 x 6 and 2 x 3 cells, out of locations and scores that are inputs."""
    boxes = 4 * 6 * 3 + 2 * 3 * 3
    text = PICTURE_AND_MAP + inputs_text(small=(1, 8, 2, 3), loc=(1, boxes * 4 * (1 if share else classes)), conf=(1, boxes, classes))
    sizes = "aspect_ratio: 2 flip: true clip: false variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2"
    text += layer_text("PriorBox", "map data", "p1", f"prior_box_param {{ min_size: 10 {sizes} }}")
    text += layer_text("PriorBox", "small data", "p2", f"prior_box_param {{ min_size: 20 {sizes} }}")
    text += layer_text("Concat", "p1 p2", "priors", "concat_param { axis: 2 }")
    text += layer_text("Softmax", "conf", "scores", "softmax_param { axis: 2 }") + layer_text("Flatten", "scores", "flat")
    return text + layer_text("DetectionOutput", "loc flat priors", parameters=f"detection_output_param {{ num_classes: {classes} "
                             f"share_location: {str(share).lower()} background_label_id: 0 nms_param {{ nms_threshold: 0.4 top_k: 30 }} "
                             f"code_type: {code} keep_top_k: {keep} confidence_threshold: 0.3 {more} }}")
