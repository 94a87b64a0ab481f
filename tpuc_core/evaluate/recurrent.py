"""LSTM and GRU, step after step. Steps are the first dim inside; with `batch_first` the batch is outside."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.evaluate.activation import logistic
from tpuc_core.evaluate.registry import Array, BoundOp, evaluates

# (the product of a step's input and the filter, with its bias; the states before) -> the states after; the first one is h
Step = Callable[[Array, list[Array]], list[Array]]


@evaluates("LSTM")
def lstm(op: BoundOp, x: Array, kernel: Array, recurrence: Array, bias: Array | None, initial_h: Array | None,
         initial_c: Array | None, cont: Array | None = None) -> list[Array]:
    if cont is not None:
        raise TpucError("an LSTM with a sequence that is continued by an operand is not evaluated")

    def step_of(r: Array, r_bias: Array) -> Step:
        def step(projected: Array, states: list[Array]) -> list[Array]:
            h, c = states
            i, o, f, candidate = np.split(projected + h @ r.T + r_bias, 4, axis=-1)
            c = logistic(f) * c + logistic(i) * np.tanh(candidate)
            return [logistic(o) * np.tanh(c), c]

        return step

    return _run(op, x, kernel, recurrence, bias, [initial_h, initial_c], step_of)


@evaluates("GRU")
def gru(op: BoundOp, x: Array, kernel: Array, recurrence: Array, bias: Array | None, initial_h: Array | None) -> list[Array]:
    is_linear = op.get("linear_before_reset")

    def step_of(r: Array, r_bias: Array) -> Step:
        hidden = r.shape[-1]
        gates, inner = r[: 2 * hidden].T, r[2 * hidden :].T
        gates_bias, inner_bias = r_bias[: 2 * hidden], r_bias[2 * hidden :]

        def step(projected: Array, states: list[Array]) -> list[Array]:
            (h,) = states
            both = logistic(projected[..., : 2 * hidden] + h @ gates + gates_bias)
            z, reset = both[..., :hidden], both[..., hidden:]
            recurrent = reset * (h @ inner + inner_bias) if is_linear else (reset * h) @ inner + inner_bias
            return [(1 - z) * np.tanh(projected[..., 2 * hidden :] + recurrent) + z * h]

        return step

    return _run(op, x, kernel, recurrence, bias, [initial_h], step_of)


def _run(op: BoundOp, x: Array, kernel: Array, recurrence: Array, bias: Array | None, initial: list[Array | None],
         step_of: Callable[[Array, Array], Step]) -> list[Array]:
    """Y [steps, dirs, batch, hidden], then each state [dirs, batch, hidden] after the last step."""
    is_batch_first = bool(op.get("batch_first"))
    if is_batch_first:
        x = x.swapaxes(0, 1)
        initial = [None if state is None else state.swapaxes(0, 1) for state in initial]
    directions, rows, _ = kernel.shape
    if bias is None:
        bias = np.zeros((directions, 2 * rows), np.float32)
    runs = []
    for d in range(directions):
        step = step_of(recurrence[d], bias[d, rows:])
        empty = np.zeros((x.shape[1], recurrence.shape[-1]), np.float32)
        states = [empty if state is None else state[d] for state in initial]
        projected = x @ kernel[d].T + bias[d, :rows]
        runs.append(_walk(step, projected, states, is_backward=d == 1))
    y = np.stack([outputs for outputs, _ in runs], axis=1)
    ends = [np.stack(states) for states in zip(*(states for _, states in runs))]
    if is_batch_first:
        return [y.transpose(2, 0, 1, 3), *(end.swapaxes(0, 1) for end in ends)]
    return [y, *ends]


def _walk(step: Step, projected: Array, states: list[Array], *, is_backward: bool) -> tuple[Array, list[Array]]:
    outputs: list[Array] = [states[0]] * len(projected)
    for t in range(len(projected))[:: -1 if is_backward else 1]:
        states = step(projected[t], states)
        outputs[t] = states[0]
    return np.stack(outputs), states
