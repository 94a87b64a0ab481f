"""LSTM and GRU in floats: the inputs of all steps are multiplied with their filter at once; the steps are one op for each direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tpuc_bm1684x.lowering.registry import lowers
from tpuc_core.ir import is_none, is_weight, shape_of, tensor_name, tensor_type, tpu
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp


def _obstacle(op: TensorOp) -> str | None:
    if op.get("batch_first"):
        return "the batch before the steps"
    if not all(is_none(v) or is_weight(v) for v in op.operands[1:4]):
        return "a filter, recurrence or bias that is no constant"
    if op.name == "top.LSTM" and not is_none(op.operands[6]):
        return "a sequence that is continued"
    return None


@lowers("LSTM", "GRU", precision=Precision.F32, unless=_obstacle)
def recurrent_f32(op: TensorOp, lowering: Lowering) -> SSAValue:
    """Results are put together from the states of the directions."""
    count = 4 if op.name == "top.LSTM" else 3
    directions = [Direction(op, lowering, d, count) for d in range(2 if op.get("bidirectional") else 1)]
    parts = [[d.outputs() for d in directions], [d.last_h() for d in directions]]
    if count == 4:
        parts.append([d.last_c() for d in directions])
    results = [_joined(op, lowering, i, values) for i, values in enumerate(parts)]
    for result, value in zip(op.results[1:], results[1:]):
        if value is not None:
            result.replace_all_uses_with(value)
    return results[0] if results[0] is not None else lowering.none(op)


def _joined(op: TensorOp, lowering: Lowering, index: int, values: list[SSAValue]) -> SSAValue | None:
    """One result, of the directions side by side; None where nobody wants it."""
    result = op.results[index]
    if result.type.name != "tensor":
        return None
    name, axis = tensor_name(result), 1 if index == 0 else 0
    if len(values) == 1:
        return lowering.emit(op, tpu.ReshapeOp, values, result.type, name=name, shape=list(shape_of(result)))
    return lowering.emit(op, tpu.ConcatOp, values, result.type, name=name, axis=axis)


class Direction:
    """The ops of one direction. Intermediate results are named after the LSTM or GRU, the direction and what they are."""

    def __init__(self, op: TensorOp, lowering: Lowering, index: int, count: int):
        self.op, self.lowering, self.index, self.count = op, lowering, index, count
        self.steps, self.batch, self.inputs = shape_of(op.operands[0])
        self.hidden = op.get("hidden_size")
        self.is_backward = index == 1
        self.states = self._states()

    def _emit(self, what: str, op_class: Any, operands: list[SSAValue], result_shape: tuple[int, ...], **attributes: Any) -> SSAValue:
        name = f"{self.op.names[0]}_{what}{self.index}"
        return self.lowering.emit(self.op, op_class, operands, tensor_type(result_shape), name=name, **attributes)

    def _weight(self, what: str, array: np.ndarray) -> SSAValue:
        name = f"{self.op.names[0]}_{what}{self.index}"
        return self.lowering.model.add_weight(name, np.ascontiguousarray(array, np.float32), self.op, "f32")

    def _array(self, operand: int) -> np.ndarray:
        return self.lowering.model.weight(self.op.operands[operand])[self.index]

    def _biases(self) -> tuple[np.ndarray, np.ndarray]:
        """Of the filter and of the recurrence, [count * hidden] each."""
        if is_none(self.op.operands[3]):
            return np.zeros(self.count * self.hidden, np.float32), np.zeros(self.count * self.hidden, np.float32)
        both = self._array(3)
        return both[: both.size // 2], both[both.size // 2 :]

    def _states(self) -> SSAValue:
        recurrence = self._array(2).reshape(self.count, self.hidden, self.hidden).transpose(0, 2, 1)
        matrices = self._weight("recurrence", recurrence)
        of_filter, of_recurrence = self._biases()
        if self.count == 4:
            operands = [self._projected(of_filter + of_recurrence), matrices, self._initial(4), self._initial(5)]
            return self._emit("states", tpu.LSTMStepsOp, operands, (self.steps + 1, self.batch, self.hidden), is_backward=self.is_backward)
        inner = of_recurrence[2 * self.hidden :].copy()
        outer = of_filter + of_recurrence
        outer[2 * self.hidden :] -= inner
        operands = [self._projected(outer), matrices, self._weight("inner_bias", inner), self._initial(4)]
        return self._emit("states", tpu.GRUStepsOp, operands, (self.steps, self.batch, self.hidden), is_backward=self.is_backward,
                          linear_before_reset=self.op.get("linear_before_reset"))

    def _projected(self, bias: np.ndarray) -> SSAValue:
        x = self.lowering.real(self.op.operands[0], self.op)
        none, rows, columns = self.lowering.none(self.op), self.steps * self.batch, self.count * self.hidden
        flat = self._emit("rows", tpu.ReshapeOp, [x], (rows, self.inputs), shape=[rows, self.inputs])
        constants = [self._weight("filter", self._array(1).T), self._weight("bias", bias)]
        product = self._emit("product", tpu.MatMulOp, [flat, *constants, none, none], (rows, columns))
        shape = (self.steps, self.batch, columns)
        return self._emit("projected", tpu.ReshapeOp, [product], shape, shape=list(shape))

    def _initial(self, operand: int) -> SSAValue:
        """The first state, [batch, hidden]."""
        value = self.op.operands[operand]
        if is_none(value):
            return self._weight(f"initial{operand}_", np.zeros((self.batch, self.hidden)))
        if is_weight(value):
            return self._weight(f"initial{operand}_", self._array(operand))
        return self._row(f"initial{operand}_", self.lowering.real(value, self.op), self.index, (self.batch, self.hidden))

    def _row(self, what: str, value: SSAValue, index: int, shape: tuple[int, ...]) -> SSAValue:
        """One of the first axis, in another shape."""
        whole = shape_of(value)
        if whole[0] > 1:
            value = self._rows_of(f"{what}row", value, index, index + 1)
        return self._emit(what, tpu.ReshapeOp, [value], shape, shape=list(shape))

    def _rows_of(self, what: str, value: SSAValue, start: int, stop: int) -> SSAValue:
        shape, none = shape_of(value), self.lowering.none(self.op)
        offset, ends = [start, *[0] * (len(shape) - 1)], [stop, *shape[1:]]
        return self._emit(what, tpu.SliceOp, [value, none, none, none, none], (stop - start, *shape[1:]), offset=offset,
                          steps=[1] * len(shape), ends=ends)

    def outputs(self) -> SSAValue:
        """h of all steps, [steps, 1, batch, hidden]."""
        value = self._rows_of("steps", self.states, 0, self.steps) if self.count == 4 else self.states
        shape = (self.steps, 1, self.batch, self.hidden)
        return self._emit("outputs", tpu.ReshapeOp, [value], shape, shape=list(shape))

    def last_h(self) -> SSAValue:
        """h after the last step, [1, batch, hidden]."""
        return self._row("h", self.states, 0 if self.is_backward else self.steps - 1, (1, self.batch, self.hidden))

    def last_c(self) -> SSAValue:
        """c after the last step, [1, batch, hidden]."""
        return self._row("c", self.states, self.steps, (1, self.batch, self.hidden))
