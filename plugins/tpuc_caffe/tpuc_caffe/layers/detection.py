"""PriorBox, DetectionOutput."""

from __future__ import annotations

from math import prod

from tpuc_caffe.importer import Importer
from tpuc_caffe.layers.priors import PriorBoxes
from tpuc_caffe.net import Layer
from tpuc_caffe.registry import Unsupported, converts
from tpuc_core.ir import top

CODE_TYPES = {1: "CORNER", 2: "CENTER_SIZE", 3: "CORNER_SIZE"}


@converts("PriorBox")
def prior_box(importer: Importer, layer: Layer) -> None:
    """Depends on the sizes of its inputs only, so it is a constant."""
    map_size, image_size = importer.shape(layer)[2:], importer.shape(layer, 1)[2:]
    boxes = PriorBoxes.of(layer.parameters.prior_box_param, map_size, image_size)
    importer.fold(layer, boxes.array(map_size))


@converts("DetectionOutput")
def detection_output(importer: Importer, layer: Layer) -> None:
    """[n, 1, keep_top_k, 7]: picture, class, score, left, top, right, bottom."""
    p = layer.parameters.detection_output_param
    if len(layer.inputs) != 3:
        raise Unsupported(f"{len(layer.inputs)} inputs")
    priors = prod(importer.shape(layer, 2)) // 8
    top_k = p.nms_param.top_k if p.nms_param.top_k > 0 else priors
    most = min(top_k, priors) * (p.num_classes - int(0 <= p.background_label_id < p.num_classes))
    importer.emit(
        layer, top.DetectionOutputOp, [importer.value(name) for name in layer.inputs], num_classes=p.num_classes,
        share_location=p.share_location, background_label_id=p.background_label_id, nms_threshold=p.nms_param.nms_threshold,
        top_k=top_k, eta=p.nms_param.eta, code_type=CODE_TYPES[p.code_type], keep_top_k=p.keep_top_k if p.keep_top_k > 0 else most,
        confidence_threshold=p.confidence_threshold, variance_encoded_in_target=float(p.variance_encoded_in_target))
