"""The steps of recurrent networks, in one direction, from inputs that are multiplied with their filter already."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import TensorOp, default, operand, result
from tpuc_core.ir.dialects.kinds import BOOL


@irdl_op_definition
class LSTMStepsOp(TensorOp):
    """projected [steps, batch, 4 * hidden] (gates i, o, f, g, biases included), recurrence [4, hidden, hidden] (state times matrix),
    initial_h and initial_c [batch, hidden] -> states [steps + 1, batch, hidden]: h of every step, then the last c."""

    name = "tpu.LSTMSteps"
    projected = operand()
    recurrence = operand()
    initial_h = operand()
    initial_c = operand()
    states = result()
    is_backward = default(BOOL, False)


@irdl_op_definition
class GRUStepsOp(TensorOp):
    """projected [steps, batch, 3 * hidden] (gates z, r, n; of n without the recurrent bias), recurrence [3, hidden, hidden], bias [hidden]
    of n's recurrence, initial_h [batch, hidden] -> states [steps, batch, hidden]: h of every step."""

    name = "tpu.GRUSteps"
    projected = operand()
    recurrence = operand()
    bias = operand()
    initial_h = operand()
    states = result()
    is_backward = default(BOOL, False)
    linear_before_reset = default(BOOL, True)
