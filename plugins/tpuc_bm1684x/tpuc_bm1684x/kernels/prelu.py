"""tpu.PReluOp: a slope per channel for negative values, in floats and in 8 bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.ir import SSAValue

from tpuc_bm1684x.kernels.base import Arrays, LocalKernel, Slice, register, shape4, source_of
from tpuc_bm1684x.kernels.constants import FLOATS, Constant, Form
from tpuc_bm1684x.kernels.engine import Engine, Operand, Rounding, Shape4
from tpuc_bm1684x.kernels.stored import add_zero_point
from tpuc_core.ir import Model, shape_of


@register("tpu.PReluOp")
class PRelu(LocalKernel):
    """max(x, 0) + slope * min(x, 0). In 8 bits both are requantized, halves away from zero, the negative values with the multiplier and
    shift of their channel: slope is i32 [1, c, 1, 3], multiplier, -shift and 0. One of the two is always 0, so the result is
    rounded once."""

    def prepare(self) -> None:
        self.is_float = self.out_storage in FLOATS
        self.activations = [source_of(v) for v in self.op.operands[: 2 if self.is_float else 1]]

    def axes_of(self, value: SSAValue) -> Shape4:
        return shape4(shape_of(value)) if value is self.activations[0] else (1, int(np.prod(shape_of(value))), 1, 1)

    def is_spread(self, index: int) -> bool:
        return self.in_shape(index)[1] == 1 < self.out_shape[1]

    def constants(self) -> list[Constant]:
        return [] if self.is_float else [Constant("slope", Form.ALIGNED, (self.out_shape[1], 3), "i32")]

    def constant_arrays(self, model: Model) -> Arrays:
        return {} if self.is_float else {"slope": model.weight(self.op.operands[1]).reshape(-1, 3)}

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        with engine.scope():
            if self.is_float:
                self._emit_float(engine, out, *inputs)
            else:
                self._emit_int8(engine, out, inputs[0], constants["slope"])

    def _emit_float(self, engine: Engine, out: Operand, x: Operand, slope: Operand) -> None:
        negative = engine.local(out.shape, self.out_storage)
        engine.min(negative, x, 0.0)
        engine.mul(negative, negative, slope)
        engine.max(out, x, 0.0)
        engine.add(out, out, negative)

    def _emit_int8(self, engine: Engine, out: Operand, x: Operand, slope: Operand) -> None:
        positive, negative = engine.local(out.shape, "i16"), engine.local(out.shape, "i16")
        engine.add_saturated(positive, x, -self.in_zero_point())
        engine.min(negative, positive, 0)
        engine.max(positive, positive, 0)
        engine.requantize(negative, negative, slope, Rounding.HALF_AWAY)
        engine.requantize(positive, positive, (self.op.get("multiplier_pos"), -self.op.get("rshift_pos"), 0), Rounding.HALF_AWAY)
        engine.add_saturated(positive, positive, negative)
        add_zero_point(engine, out, positive, self.out_zero_point, self.out_storage)
