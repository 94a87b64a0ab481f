"""From `top` ops to instructions: one small function an op, and why some cannot be done."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from xdsl.ir import SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from tpuc_abacus import ops
from tpuc_core.ir import Model, State, TensorOp, is_none, is_weight, shape_of, tensor_name
from tpuc_core.plan import Plan, Precision

Lower = Callable[[Model, TensorOp], SSAValue]


def obstacle(op: TensorOp, precision: Precision) -> str | None:
    """Why the machine does not run an op, as a noun phrase; None where it does."""
    if precision is not Precision.F32:
        return f"{precision} arithmetic"
    if op.name not in RULES:
        return f"no instruction for {op.name}"
    if op.name == "top.MatMul" and (not is_weight(op.operands[1]) or len(shape_of(op.operands[0])) != 2):
        return "a product of other things than a matrix and a weight"
    if op.name == "top.Add" and len({shape_of(value) for value in op.operands}) != 1:
        return "operands of several shapes"
    return None


def lower(model: Model, plan: Plan) -> Model:
    """A new model of the machine's ops, state TPU_LOWERED."""
    lowered = model.clone()
    for op in lowered.ops():
        op.results[0].replace_all_uses_with(RULES[op.name](lowered, op))
        Rewriter.erase_op(op)
    lowered.chip, lowered.mode, lowered.state = "abacus", plan.mode, State.TPU_LOWERED
    return lowered


def dense(model: Model, op: TensorOp) -> SSAValue:
    x, right, bias = op.operands
    weight = model.weight(right)
    weight = np.ascontiguousarray(weight.T) if op.get("right_transpose") else weight
    offset = np.zeros(weight.shape[1], np.float32) if is_none(bias) else model.weight(bias).reshape(-1)
    name = tensor_name(op.results[0])
    constants = [model.add_weight(f"{name}_{part}", array, op) for part, array in (("weight", weight), ("offset", offset))]
    if not op.get("do_relu"):
        return emit(op, ops.DenseOp, [x, *constants])
    return emit(op, ops.ReluOp, [emit(op, ops.DenseOp, [x, *constants], f"{name}_sum")])


def same(op_class: type[TensorOp]) -> Lower:
    return lambda model, op: emit(op, op_class, list(op.operands))


def emit(op: TensorOp, op_class: type[TensorOp], operands: list[SSAValue], name: str | None = None) -> SSAValue:
    """A new op in front of `op`, with its type and, where no other is given, its name."""
    made = op_class.make(name or tensor_name(op.results[0]), operands, op.results[0].type)
    Rewriter.insert_op(made, InsertPoint.before(op))
    return made.results[0]


RULES: dict[str, Lower] = {
    "top.MatMul": dense, "top.Relu": same(ops.ReluOp), "top.Add": same(ops.AddOp), "top.Reshape": same(ops.ReshapeOp),
    "top.Flatten": same(ops.ReshapeOp),
}
