"""Ops that sort, or whose results depend in number on values: no chip runs them, so what it computes ends before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpuc_core.ir import is_none, is_weight, tensor_name
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from xdsl.ir import Operation

    from tpuc_core.hookspecs import Chip
    from tpuc_core.ir import Model

HOST_OPS = {"top.DetectionOutput", "top.Nms", "top.NonZero", "top.TopK", "top.YoloDetection"}


def end_before_host_ops(model: Model, chip: Chip | None = None) -> str:
    """Take host ops, and what is computed from their results, out of the model; what they read becomes its outputs. Those stay
    that a chip's files bring to the host themselves (it supports them).

    Says in a sentence what was left out; nothing where nothing was, or where nothing would be left.
    """
    left_out: list[Operation] = []
    for op in model.ops():
        is_brought = chip is not None and op.name in HOST_OPS and chip.supports(op, Precision.F32) is None
        if (op.name in HOST_OPS and not is_brought) or any(value.owner in left_out for value in op.operands):
            left_out.append(op)
    wanted = [*model.outputs, *(value for op in left_out for value in op.operands)]
    outputs = [v for v in dict.fromkeys(wanted) if v.owner not in left_out and not is_none(v) and not is_weight(v)]
    if not left_out or not outputs:
        return ""
    model.set_outputs(outputs)
    for op in reversed(left_out):
        op.detach()
        op.erase()
    names = ", ".join(f'"{tensor_name(op.results[0])}" ({op.name})' for op in left_out)
    return f"left to the host: {names}, from the outputs {', '.join(tensor_name(v) for v in outputs)}"
