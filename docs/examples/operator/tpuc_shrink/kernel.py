"""The op in the chip's instructions: written once, read by the interpreter, the compiler and the cost model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tpuc_bm1684x.kernels.base import LocalKernel, Slice, register
from tpuc_bm1684x.kernels.engine import Engine, Operand


@register("shrink.SoftShrink")
class SoftShrink(LocalKernel):
    """x - min(max(x, -lambd), lambd)."""

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        lambd = self.op.get("lambd")
        with engine.scope():
            limited = engine.local(out.shape, self.out_storage)
            engine.max(limited, inputs[0], -lambd)
            engine.min(limited, limited, lambd)
            engine.sub(out, inputs[0], limited)
