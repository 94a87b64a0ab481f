"""Equalization of weights between layers: y = W2 f(W1 x + b) = (W2 s) f((W1 x + b) / s) for a factor s > 0 a channel, where f is a
Relu or nothing. It brings channels of very different ranges, which have to share one scale, closer together.

Source: M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tpuc_core.ir import State, TensorOp, is_none, is_weight, shape_of, tensor_name
from tpuc_core.passes import Pass

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_core.ir import Model

HOMOGENEOUS = ("top.LeakyRelu", "top.MaxPool", "top.PRelu", "top.Relu")
"""f(x / s) = f(x) / s, channel by channel; a Relu without a limit."""
MOST_ROUNDS = 20
CONVERGED = 1e-2
LEAST_RANGE = 1e-8


@dataclass
class EqualizeWeights(Pass):
    """Scale the channels between two convolutions so that the filters on both sides have the same ranges. What the network
    computes stays the same; the tensors between change, so calibrate afterwards."""

    name: ClassVar[str] = "equalize-weights"
    takes: ClassVar[State | tuple[State, ...] | None] = State.TOP_F32
    gives: ClassVar[State | None] = State.TOP_F32

    def apply(self, model: Model) -> None:
        pairs = [(first, op) for op in model.ops() if isinstance(op, TensorOp) and (first := _partner(op)) is not None]
        for _ in range(MOST_ROUNDS):
            changed = [_equalize(model, first, second) for first, second in pairs]
            if not any(changed):
                return


def _partner(second: TensorOp) -> TensorOp | None:
    """The convolution that only this one reads, if need be through a Relu."""
    if second.name != "top.Conv" or not _has_own_filter(second):
        return None
    channels, group = shape_of(second.operands[0])[1], second.get("group")
    if group not in (1, channels):
        return None
    op = _only_producer(second.operands[0])
    while op is not None and op.name in HOMOGENEOUS and not _is_limited(op):
        op = _only_producer(op.operands[0])
    return op if op is not None and op.name == "top.Conv" and _has_own_filter(op) and not _is_limited(op) else None


def _only_producer(value: SSAValue) -> TensorOp | None:
    is_alone = sum(1 for _ in value.uses) == 1
    return value.owner if is_alone and isinstance(value.owner, TensorOp) else None


def _is_limited(op: TensorOp) -> bool:
    return "relu_limit" in op.attributes and op.get("relu_limit") > 0


def _has_own_filter(op: TensorOp) -> bool:
    return is_weight(op.operands[1]) and all(is_none(v) or (is_weight(v) and sum(1 for _ in v.uses) == 1) for v in op.operands[1:3])


def _equalize(model: Model, first: TensorOp, second: TensorOp) -> bool:
    """One step; whether it changed much."""
    before, behind = model.weight(first.operands[1]), model.weight(second.operands[1])
    channels, group = len(before), second.get("group")
    of_first = np.abs(before.reshape(channels, -1)).max(axis=1)
    readers = np.moveaxis(behind, 1, 0) if group == 1 else behind  # of each channel
    of_second = np.abs(readers.reshape(channels, -1)).max(axis=1)
    usable = (of_first > LEAST_RANGE) & (of_second > LEAST_RANGE)
    factors = np.where(usable, np.sqrt(of_first / np.where(usable, of_second, 1)), 1).astype(np.float32)
    _replace(model, first.operands[1], before / _along(0, factors, before.ndim))
    if not is_none(first.operands[2]):
        bias = model.weight(first.operands[2])
        _replace(model, first.operands[2], bias / factors.reshape(bias.shape))
    of_filters = _along(1, factors, behind.ndim) if group == 1 else _along(0, np.repeat(factors, len(behind) // group), behind.ndim)
    _replace(model, second.operands[1], behind * of_filters)
    return bool(np.abs(factors - 1).max() > CONVERGED)


def _along(axis: int, factors: np.ndarray, rank: int) -> np.ndarray:
    return factors.reshape([-1 if i == axis else 1 for i in range(rank)])


def _replace(model: Model, value: SSAValue, array: np.ndarray) -> None:
    model.weights[tensor_name(value)] = array.astype(np.float32)
