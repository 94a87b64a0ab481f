"""The ends of detectors: boxes decoded, and those that say the same as a better one dropped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tpuc_core.evaluate.registry import Array, BoundOp, evaluates


@evaluates("DetectionOutput")
def detection_output(op: BoundOp, locations: Array, scores: Array, priors: Array) -> Array:
    """Rows (picture, class, score, left, top, right, bottom) by class, each class from the best; zeros behind them."""
    boxes, variances = priors.reshape(2, -1, 4)
    classes, background = op.get("num_classes"), op.get("background_label_id", 0)
    if op.get("variance_encoded_in_target"):
        variances = np.ones_like(variances)
    y = np.zeros(op.shape, np.float32)
    for picture in range(len(y)):
        offsets = locations[picture].reshape(len(boxes), -1, 4)
        decoded = [decode(op.get("code_type"), boxes, variances, offsets[:, i]) for i in range(offsets.shape[1])]
        found = []
        for label in range(classes):
            if label != background:
                own = decoded[label if len(decoded) > 1 else 0]
                values = scores[picture].reshape(-1, classes)[:, label]
                found += [(values[i], label, own[i]) for i in _best_of_class(op, own, values)]
        keep = np.argsort([-score for score, _, _ in found], kind="stable")[: op.get("keep_top_k")]
        for row, (score, label, box) in enumerate(found[i] for i in sorted(keep)):
            y[picture, 0, row] = picture, label, score, *box
    return y


def decode(code_type: str, priors: Array, variances: Array, offsets: Array) -> Array:
    """Boxes [n, 4] (left, top, right, bottom) that lie at these offsets from the priors."""
    steps = variances * offsets
    sizes = priors[:, 2:] - priors[:, :2]
    if code_type == "CORNER":
        return priors + steps
    if code_type == "CORNER_SIZE":
        return priors + steps * np.tile(sizes, 2)
    centres = (priors[:, :2] + priors[:, 2:]) / 2 + steps[:, :2] * sizes
    half = np.exp(steps[:, 2:]) * sizes / 2
    return np.concatenate([centres - half, centres + half], axis=1)


def _best_of_class(op: BoundOp, boxes: Array, scores: Array) -> list[int]:
    """Indices of the boxes that remain, from the best."""
    above = np.flatnonzero(scores > np.float32(op.get("confidence_threshold")))
    order = above[np.argsort(-scores[above], kind="stable")]
    if op.get("top_k") > 0:
        order = order[: op.get("top_k")]
    return suppress(boxes, order, op.get("nms_threshold"), op.get("eta", 1.0))


def suppress(boxes: Array, order: Sequence[int] | Array, threshold: float, eta: float = 1.0) -> list[int]:
    """Non-maximum suppression: of boxes in this order those that overlap none before them by more than threshold.

    After each box that stays the threshold is multiplied with eta while it is above 1/2.
    """
    kept: list[int] = []
    for i in order:
        if not kept or overlaps(boxes[i], boxes[kept]).max() <= threshold:
            kept.append(int(i))
            if eta < 1 and threshold > 0.5:
                threshold *= eta
    return kept


def overlaps(box: Array, others: Array) -> Array:
    """The area that a box shares with each of the others [n, 4], over the area of both."""
    begins, ends = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.maximum(ends - begins, 0), axis=1)
    area = np.prod(box[2:] - box[:2])
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    union = area + areas - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
