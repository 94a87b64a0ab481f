"""subnet-divide: the ops move to functions of their own, one for each part that runs on the chip without a break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, i32, i64
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from tpuc_bm1684x.host_ops import CPU, is_host_op
from tpuc_core.errors import TpucError
from tpuc_core.ir import Model, State, is_none, is_weight, name_location, tensor_name
from tpuc_core.ir.dialects.tpu.attributes import ENUMS
from tpuc_core.passes import Pass


@dataclass
class SubnetDivide(Pass):
    """Move the ops to @subfunc_0, which is all that bm1684x runs; ops behind it that run beside the chip to @subfunc_1, ..."""

    name: ClassVar[str] = "subnet-divide"
    takes: ClassVar[State | None] = State.TPU_REORDERED
    gives: ClassVar[State | None] = State.TPU_DIVIDED
    dynamic: bool = False

    def apply(self, model: Model) -> None:
        if self.dynamic:
            raise TpucError('pass "subnet-divide": dynamic subnets are not supported; dynamic=false is right')
        main = model.main.body.block
        inputs = [op.results[0] for op in model.inputs]
        outputs = list(main.last_op.operands)  # type: ignore[union-attr]
        host = [op for op in main.ops if is_host_op(op)]
        for op in host:
            _own_constants(op)
        chip_ends = list(dict.fromkeys([*(v for v in outputs if v.owner not in host), *(v for op in host for v in _read_by(op))]))
        ops = [op for op in main.ops if op.name not in ("top.Input", "func.return") and not _belongs_to(op, host)]
        results = self._divide(model, ops, inputs, chip_ends, "TPU_STATIC", -1 if not host else 1)
        moved = dict(zip(chip_ends, results))
        for index, op in enumerate(host, start=1):
            own = [each for each in main.ops if _belongs_to(each, [op])]
            (moved[op.results[0]],) = self._divide(model, own, _read_by(op), [op.results[0]], CPU, -1 if op is host[-1] else index + 1)
        model.set_outputs([moved[value] for value in outputs])
        model.update_function_types()

    def _divide(self, model: Model, ops: Sequence[Operation], inputs: Sequence[SSAValue], outputs: Sequence[SSAValue], mode: str,
                following: int) -> list[SSAValue]:
        """Move ops from @main to a function of their own and call it; the results of the call, in the place of `outputs`."""
        main = model.main.body.block
        number = len(model.functions) - 1
        names = [name_location(tensor_name(model.producer(value))) for value in inputs]
        subnet = Block(arg_types=[value.type for value in inputs])
        for op in ops:
            op.detach()
            subnet.add_op(op)
        subnet.add_op(ReturnOp(*outputs))
        for value, argument, location in zip(inputs, subnet.args, names):
            argument.location = location
            value.replace_uses_with_if(argument, lambda use: use.operation.parent_block() is subnet)
        name = f"subfunc_{number}"
        function = FuncOp(name, ([v.type for v in inputs], [v.type for v in outputs]), Region(subnet))
        function.attributes.update({"id": IntegerAttr(number, i64), "mode": ENUMS["run_mode"](mode),
                                    "next_index": DenseArrayBase.from_list(i32, [following])})
        call = CallOp(name, list(inputs), [v.type for v in outputs])
        main.insert_op_before(call, main.last_op)  # type: ignore[arg-type]
        model.inner.body.block.add_op(function)
        for value, result in zip(outputs, call.results):
            value.replace_uses_with_if(result, lambda use: use.operation.parent_block() is main)
        return list(call.results)


def _own_constants(op: Operation) -> None:
    """Give an op constants of its own where other ops read them too: it moves away from these."""
    for index, value in enumerate(op.operands):
        if (is_weight(value) or is_none(value)) and not value.has_one_use():
            constant = value.owner.clone()  # type: ignore[union-attr]
            constant.location = value.owner.location  # type: ignore[union-attr]
            Rewriter.insert_op(constant, InsertPoint.before(op))
            op.operands[index] = constant.results[0]


def _read_by(op: Operation) -> list[SSAValue]:
    """The operands of an op that are no constants."""
    return list(dict.fromkeys(value for value in op.operands if not is_weight(value) and not is_none(value)))


def _belongs_to(op: Operation, hosts: Sequence[Operation]) -> bool:
    """Whether an op is one of these, or a constant that only they read."""
    readers = [use.operation for result in op.results for use in result.uses]
    return op in hosts or (op.name in ("top.Weight", "top.None") and bool(readers) and all(r in hosts for r in readers))
