"""Ops at the end of detectors."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import Shape, Shapes, TensorOp, Values, default, operands, required, result
from tpuc_core.ir.dialects.kinds import BOOL, F64, I64, one_of

DETECTION_VALUES = 7


@irdl_op_definition
class DetectionOutputOp(TensorOp):
    """The boxes that remain of locations [n, priors * 4], scores [n, priors * num_classes] and priors [1, 2, priors * 4].

    Decoded by code_type; of each class the top_k best above confidence_threshold without those that overlap a better one by
    more than nms_threshold; of these the keep_top_k best. Result [n, 1, keep_top_k, 7]: rows (picture, class, score, left, top,
    right, bottom) by class, each class from the best; zeros behind them. Source: Caffe DetectionOutput.
    """

    name = "top.DetectionOutput"
    inputs = operands()
    output = result()
    background_label_id = default(I64, 0)
    code_type = required(one_of("CORNER", "CENTER_SIZE", "CORNER_SIZE"))
    confidence_threshold = required(F64)
    eta = default(F64, 1.0)
    keep_top_k = required(I64)
    nms_threshold = required(F64)
    num_classes = required(I64)
    share_location = default(BOOL, True)
    top_k = required(I64)
    variance_encoded_in_target = default(F64, 0.0)

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        locations, scores, priors = shapes
        boxes = priors[-1] // 4
        classes = self.get("num_classes")
        per_box = 4 if self.get("share_location") else 4 * classes
        if locations[-1] != boxes * per_box or scores[-1] != boxes * classes:
            raise self.error(f"{list(locations)} and {list(scores)} do not fit {boxes} boxes and {classes} classes")
        return [(locations[0], 1, self.get("keep_top_k"), DETECTION_VALUES)]
