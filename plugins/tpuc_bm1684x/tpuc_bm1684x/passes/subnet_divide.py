"""subnet-divide: the ops move to functions of their own, one for each part that runs on the chip without a break."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, i32, i64
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Block, Region

from tpuc_core.errors import TpucError
from tpuc_core.ir import Model, State
from tpuc_core.ir.dialects.tpu.attributes import ENUMS
from tpuc_core.passes import Pass


@dataclass
class SubnetDivide(Pass):
    """Move the ops to @subfunc_0; everything that bm1684x runs is one static subnet."""

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
        subnet = Block(arg_types=[value.type for value in inputs])
        for op in list(main.ops):
            if op.name not in ("top.Input", "func.return"):
                op.detach()
                subnet.add_op(op)
        subnet.add_op(ReturnOp(*outputs))
        for value, argument in zip(inputs, subnet.args):
            argument.location = value.owner.location  # type: ignore[union-attr]
            value.replace_uses_with_if(argument, lambda use: use.operation.parent_block() is subnet)
        function = FuncOp("subfunc_0", ([v.type for v in inputs], [v.type for v in outputs]), Region(subnet))
        function.attributes.update({"id": IntegerAttr(0, i64), "mode": ENUMS["run_mode"]("TPU_STATIC"), "next_index": DenseArrayBase.from_list(i32, [-1])})
        call = CallOp("subfunc_0", inputs, [v.type for v in outputs])
        main.insert_op_before(call, main.last_op)  # type: ignore[arg-type]
        model.set_outputs(list(call.results))
        model.inner.body.block.add_op(function)
        model.update_function_types()
