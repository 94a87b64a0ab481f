"""Host ops in the IR: ops of a lowered model, functions of mode CPU in a divided one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation, SSAValue

from tpuc_core.host_part import HostOp
from tpuc_core.ir import Model, TensorOp, is_none, shape_of, tensor_name

HOST_OPS = frozenset(("tpu.DetectionOutput",))
CPU = "CPU"


def host_op(op: TensorOp) -> HostOp:
    """An op as the section of a file says it."""
    attributes = {name: op.get(name) for name in op.attributes}
    operands = [tensor_name(value) for value in op.operands if not is_none(value)]
    return HostOp(op.name.removeprefix("tpu."), attributes, operands, tensor_name(op.results[0]), list(shape_of(op.results[0])))


def is_host_op(op: Operation) -> bool:
    """Whether an op of a lowered model runs beside the chip."""
    return op.name in HOST_OPS


def is_host_function(function: FuncOp) -> bool:
    """Whether a function of a divided model runs beside the chip."""
    return CPU in str(function.attributes.get("mode", ""))


def chip_outputs(model: Model) -> list[SSAValue]:
    """What the chip hands out: the outputs of the net that it computes, then what host ops read."""
    calls = [op for op in model.main.body.block.ops if isinstance(op, CallOp)]
    functions = [model.function(call.callee.string_value()) for call in calls]
    if not any(is_host_function(function) for function in functions):
        return model.outputs
    (chip,) = (function for function in functions if not is_host_function(function))
    return list(chip.body.block.last_op.operands)  # type: ignore[union-attr]


def host_section(model: Model) -> dict[str, Any]:
    """What the section of a divided model's file says about host ops: {} where there are none."""
    ops = [op for f in model.functions if is_host_function(f) for op in f.body.block.ops if is_host_op(op)]
    if not ops:
        return {}
    outputs = [tensor_name(value) for value in model.outputs]
    return {"host": {"ops": [asdict(host_op(op)) for op in ops], "outputs": outputs}}  # type: ignore[arg-type]
