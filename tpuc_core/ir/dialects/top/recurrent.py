"""Networks with a state that is handed on from step to step."""

from __future__ import annotations

from typing import ClassVar

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import Shape, Shapes, TensorOp, Values, default, operand, required, result, slot
from tpuc_core.ir.dialects.kinds import BOOL, I64


class RecurrentOp(TensorOp):
    """What LSTM and GRU share: x [steps, batch, inputs] -> Y [steps, dirs, batch, hidden], Y_h [dirs, batch, hidden].

    `dirs` is 2 where bidirectional (the second direction reads the steps backwards), else 1. With batch_first the batch is
    dimension 0 of all of them. Weights: filter [dirs, gates * hidden, inputs], recurrence [dirs, gates * hidden, hidden],
    bias [dirs, 2 * gates * hidden]: that of the filter before that of the recurrence. A result that nobody wants is of
    type `none`.
    """

    GATES: ClassVar[int]

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        x, kernel, recurrence, bias = shapes[:4]
        hidden, directions = self.get("hidden_size"), 2 if self.get("bidirectional") else 1
        if len(x) != 3:
            raise self.error(f"its input has {len(x)} dimensions where steps, batch and inputs are wanted")
        steps, batch = (x[1], x[0]) if self.get("batch_first") else x[:2]
        rows = self.GATES * hidden
        wanted = [(directions, rows, x[2]), (directions, rows, hidden), (directions, 2 * rows)]
        for what, found, right in zip(("filter", "recurrence", "bias"), (kernel, recurrence, bias), wanted):
            if found is not None and found != right:
                raise self.error(f"its {what} has shape {list(found)} where {list(right)} is right")
        if self.get("batch_first"):
            return [(batch, steps, directions, hidden)] + [(batch, directions, hidden)] * (len(self.results) - 1)
        return [(steps, directions, batch, hidden)] + [(directions, batch, hidden)] * (len(self.results) - 1)


@irdl_op_definition
class LSTMOp(RecurrentOp):
    """i, o, f = sigmoid, c~ = tanh of x W + h R + b (gates in the order i, o, f, c); c = f c + i c~; h = o tanh(c).

    Operand cont is Caffe's: a step where it is 0 begins with an empty state. Source: ONNX LSTM, Caffe LSTM.
    """

    name = "top.LSTM"
    GATES: ClassVar[int] = 4
    input = operand()
    filter = operand()
    recurrence = operand()
    bias = slot()
    initial_h = slot()
    initial_c = slot()
    cont = slot()
    Y = result()
    Y_h = result()
    Y_c = result()
    batch_first = default(BOOL, False)
    bidirectional = required(BOOL)
    hidden_size = required(I64)


@irdl_op_definition
class GRUOp(RecurrentOp):
    """z, r = sigmoid of x W + h R + b (gates in the order z, r, h); h~ = tanh(x W + (r h) R + b); h = (1 - z) h~ + z h.

    linear_before_reset: h~ = tanh(x W + b + r (h R + b_R)). Source: ONNX GRU.
    """

    name = "top.GRU"
    GATES: ClassVar[int] = 3
    input = operand()
    filter = operand()
    recurrence = operand()
    bias = slot()
    initial_h = slot()
    Y = result()
    Y_h = result()
    batch_first = default(BOOL, False)
    bidirectional = required(BOOL)
    hidden_size = required(I64)
    linear_before_reset = default(BOOL, True)
