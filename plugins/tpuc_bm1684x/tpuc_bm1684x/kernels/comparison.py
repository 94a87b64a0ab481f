"""tpu.Compare, tpu.CompareConst and tpu.Where on floats; 1 stands for true, 0 for false, and every number but 0 is true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tpuc_bm1684x.kernels.base import LocalKernel, Slice, register, source_of
from tpuc_bm1684x.kernels.elementwise import BroadcastKernel
from tpuc_bm1684x.kernels.engine import Engine, Operand
from tpuc_core.ir import is_none


def differs(engine: Engine, out: Operand, a: Operand, b: Operand, storage: str) -> None:
    """a != b. A NaN is equal to everything, +0 to -0."""
    with engine.scope():
        less = engine.local(tuple(out.shape), storage)
        engine.greater(less, b, a)
        engine.greater(out, a, b)
        engine.max(out, out, less)


def compare(engine: Engine, mode: str, out: Operand, a: Operand, b: Operand, storage: str) -> None:
    """`a mode b`, by tpu.Compare's names of modes, for operands and result of one type."""
    match mode:
        case "Greater" | "Less":
            engine.greater(out, *((a, b) if mode == "Greater" else (b, a)))
        case "GreaterOrEqual" | "LessOrEqual":
            engine.greater(out, *((b, a) if mode == "GreaterOrEqual" else (a, b)))
            engine.sub(out, 1.0, out)
        case "Equal" | "NotEqual":
            differs(engine, out, a, b, storage)
            if mode == "Equal":
                engine.sub(out, 1.0, out)
        case _:
            _combine(engine, mode, out, a, b, storage)


def _combine(engine: Engine, mode: str, out: Operand, a: Operand, b: Operand, storage: str) -> None:
    """And, Xor; Not looks at `a` only."""
    differs(engine, out, a, 0.0, storage)
    if mode == "Not":
        engine.sub(out, 1.0, out)
        return
    with engine.scope():
        other = engine.local(tuple(out.shape), storage)
        differs(engine, other, b, 0.0, storage)
        if mode == "And":
            engine.mul(out, out, other)
        else:
            engine.sub(out, out, other)
            engine.abs(out, out)


@register("tpu.Compare")
class Compare(BroadcastKernel):
    """lhs mode rhs."""

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        compare(engine, self.op.get("mode"), out, inputs[0], inputs[-1], self.out_storage)


@register("tpu.CompareConst")
class CompareConst(LocalKernel):
    """x mode const_val, or const_val mode x."""

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        mode, operands = self.op.get("mode"), (inputs[0], self.op.get("const_val"))
        if self.op.get("inversed") and mode != "Not":
            operands = operands[::-1]
        if mode in ("And", "Xor"):
            self._with_constant_truth(engine, mode, out, inputs[0])
        else:
            compare(engine, mode, out, *operands, self.out_storage)

    def _with_constant_truth(self, engine: Engine, mode: str, out: Operand, x: Operand) -> None:
        is_true = bool(self.op.get("const_val"))
        differs(engine, out, x, 0.0, self.out_storage)
        if mode == "Xor" and is_true:
            engine.sub(out, 1.0, out)
        elif mode == "And" and not is_true:
            engine.mul(out, out, 0.0)


@register("tpu.Where")
class Where(BroadcastKernel):
    """tbrn where cond is not 0, else fbrn; each a tensor or a number."""

    def prepare(self) -> None:
        self.branches = [(v, self.op.get(f"{side}_is_const"), self.op.get(f"{side}_const_val")) for v, side in zip(self.op.operands[1:3], "xy")]
        tensors = [v for v, is_number, _ in self.branches if not is_number and not is_none(v)]
        self.activations = [source_of(v) for v in (self.op.operands[0], *tensors)]

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        tensors = iter(inputs[1:])
        yes, no = (number if is_number or is_none(v) else next(tensors) for v, is_number, number in self.branches)
        with engine.scope():
            condition = engine.local(tuple(out.shape), self.out_storage)
            differs(engine, condition, inputs[0], 0.0, self.out_storage)
            engine.choose(out, condition, 0.0, yes, no)
