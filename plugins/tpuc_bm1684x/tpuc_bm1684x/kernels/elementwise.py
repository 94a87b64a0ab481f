"""Element-wise tpu ops: arithmetic of two or more tensors, constants, limits, integer rescaling and casts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.ir import SSAValue

from tpuc_bm1684x.kernels.base import Arrays, LocalKernel, Slice, register, shape4, source_of
from tpuc_bm1684x.kernels.constants import FLOATS, Constant, Form
from tpuc_bm1684x.kernels.conv2d import relu
from tpuc_bm1684x.kernels.engine import Engine, Operand, Rounding, Shape4
from tpuc_bm1684x.kernels.stored import add_zero_point, converted, limit_above, limit_stored, without_zero_point
from tpuc_bm1684x.kernels.widening import rounded_into, widened
from tpuc_core.errors import TpucError
from tpuc_core.ir import Model, is_none, quantization_of, shape_of


def broadcast_axes(shape: Sequence[int], out: Sequence[int]) -> Shape4 | None:
    """The four axes of an operand that is broadcast to a result; None where the chip does not see it so."""
    axes = shape4((1,) * (len(out) - len(shape)) + tuple(shape))
    return axes if all(size in (1, whole) for size, whole in zip(axes, shape4(out))) else None


class BroadcastKernel(LocalKernel):
    """Operands are aligned at their last axes and broadcast; constants are read like activations."""

    def prepare(self) -> None:
        self.activations = [source_of(v) for v in self.op.operands if not is_none(v)]

    def axes_of(self, value: SSAValue) -> Shape4:
        shape = shape_of(value)
        axes = broadcast_axes(shape, shape_of(self.out))
        if axes is None:
            raise TpucError(f'"{self.name}": bm1684x broadcasts along the first three axes and all others together; {list(shape)} to {list(shape_of(self.out))} is not like that')
        return axes

    def is_spread(self, index: int) -> bool:
        return self.in_shape(index)[1] == 1 < self.out_shape[1]

    @property
    def is_float(self) -> bool:
        return self.out_storage in FLOATS


@register("tpu.Add")
class Add(BroadcastKernel):
    """Sum; INT8: every term rescaled to i16 (multiplier, rshift, half up), then the saturated sum. With the attribute `rshift`
    the terms (x - zero point) * multiplier are summed in i32, and the sum is rounded once, half away from zero."""

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        if self.is_float:
            engine.add(out, inputs[0], inputs[1])
            for x in inputs[2:]:
                engine.add(out, out, x)
            relu(engine, self.op, out)
            return
        with engine.scope():
            self._emit_int8(engine, out, inputs)

    def _emit_int8(self, engine: Engine, out: Operand, inputs: Sequence[Operand]) -> None:
        if self.op.get("rshift") is not None:
            total = self._total(engine, out, inputs)
            engine.requantize(out, total, (1, -self.op.get("rshift"), self.out_zero_point), Rounding.HALF_AWAY)
        elif self.out_zero_point or any(self.in_zero_point(i) for i in range(len(inputs))):
            self._sum_with_zero_points(engine, out, inputs)
        else:
            terms = [self._rescaled(engine, x, i) for i, x in enumerate(inputs)]
            kinds = {self._term_storage(i)[0] for i in range(len(terms))}
            has_sign = "i" in kinds
            for x in terms[1:-1]:
                total = engine.local(out.shape, "i16" if has_sign else "u16")
                engine.add_saturated(total, terms[0], x)
                terms[0] = total
            if has_sign and self.out_storage == "u8":
                total = engine.local(out.shape, "i16")
                engine.add_saturated(total, terms[0], terms[-1])
                engine.cast(out, total, Rounding.HALF_UP)
            else:
                engine.add_saturated(out, terms[0], terms[-1])
        limit_stored(engine, self, out)

    def _total(self, engine: Engine, out: Operand, inputs: Sequence[Operand]) -> Operand:
        total = engine.local(out.shape, "i32")
        terms = [self._dequantized(engine, x, i, "i32", 0) for i, x in enumerate(inputs)]
        engine.add(total, terms[0], terms[1])
        for x in terms[2:]:
            engine.add(total, total, x)
        return total

    def _dequantized(self, engine: Engine, x: Operand, index: int, storage: str, shift: int) -> Operand:
        multiplier, zero_point = self.op.get("multipliers")[index], self.in_zero_point(index)
        return converted(engine, x, storage, self.out_shape[1],
                         lambda term: engine.dequantize_int(term, x, multiplier, shift, zero_point, Rounding.HALF_UP))

    def _sum_with_zero_points(self, engine: Engine, out: Operand, inputs: Sequence[Operand]) -> None:
        """Each term rounded by itself: what a file says that has zero points but no `rshift` of the sum."""
        terms = [self._dequantized(engine, x, i, "i16", -rshift) for i, (x, rshift) in enumerate(zip(inputs, self.op.get("rshifts")))]
        total = engine.local(out.shape, "i16")
        engine.add_saturated(total, terms[0], terms[1])
        for x in terms[2:]:
            engine.add_saturated(total, total, x)
        add_zero_point(engine, out, total, self.out_zero_point, self.out_storage)

    def _term_storage(self, index: int) -> str:
        return "u16" if self.in_storage(index) == "u8" and self.op.get("multipliers")[index] >= 0 and self.out_storage == "u8" else "i16"

    def _rescaled(self, engine: Engine, x: Operand, index: int) -> Operand:
        multiplier, rshift = self.op.get("multipliers")[index], self.op.get("rshifts")[index]
        if (multiplier, rshift) == (1, 0) and (self.in_storage(index) == "i8" or self.out_storage == "u8"):
            return x
        return converted(engine, x, self._term_storage(index), self.out_shape[1],
                         lambda term: engine.mul_shift(term, x, multiplier, -rshift, Rounding.HALF_UP))


@register("tpu.Mul")
class Mul(BroadcastKernel):
    """Product; INT8: the exact i32 product without zero points, requantized."""

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        if self.is_float:
            engine.mul(out, inputs[0], inputs[1])
            for x in inputs[2:]:
                engine.mul(out, out, x)
            relu(engine, self.op, out)
            return
        with engine.scope():
            factors = [without_zero_point(engine, x, self.in_zero_point(i), self.out_shape[1]) for i, x in enumerate(inputs)]
            total = engine.local(out.shape, "i32")
            engine.mul(total, factors[0], factors[1])
            for x in factors[2:]:
                engine.mul(total, total, x)
            engine.requantize(out, total, (self.op.get("multiplier"), -self.op.get("rshift"), self.out_zero_point), Rounding.HALF_UP)
            limit_stored(engine, self, out)


class FloatBinary(BroadcastKernel):
    """An instruction of two float operands."""

    instruction: str

    def prepare(self) -> None:
        super().prepare()
        if not self.is_float:
            raise TpucError(f'"{self.name}": {self.op.name} runs on floats on bm1684x, not on {self.out_storage}')

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        a, b = inputs if not ("is_reverse" in self.op.attributes and self.op.get("is_reverse")) else reversed(inputs)
        getattr(engine, self.instruction)(out, a, b)
        if "do_relu" in self.op.attributes:
            relu(engine, self.op, out)


@register("tpu.Sub")
class Sub(FloatBinary):
    instruction = "sub"


@register("tpu.Div")
class Div(FloatBinary):
    """The chip divides in f32 only."""

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        with rounded_into(engine, out, self.out_storage) as result:
            a, b = (widened(engine, x, self.in_storage(i), self.out_shape[1]) for i, x in enumerate(inputs))
            engine.div(result, *((b, a) if self.op.get("is_reverse") else (a, b)))
        relu(engine, self.op, out)


class Extremum(BroadcastKernel):
    """max or min of operands that share one scale."""

    instruction: str

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        instruction = getattr(engine, self.instruction)
        instruction(out, inputs[0], inputs[1])
        for x in inputs[2:]:
            instruction(out, out, x)


@register("tpu.Max")
class Max(Extremum):
    instruction = "max"


@register("tpu.Min")
class Min(Extremum):
    instruction = "min"


class FloatConstant(LocalKernel):
    """An instruction of a float tensor and the attribute const_val."""

    instruction: str

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        value = self.op.get("const_val")
        is_reverse = "is_reverse" in self.op.attributes and self.op.get("is_reverse")
        a, b = (value, inputs[0]) if is_reverse else (inputs[0], value)
        getattr(engine, self.instruction)(out, a, b)
        if "do_relu" in self.op.attributes:
            relu(engine, self.op, out)


@register("tpu.AddConst")
class AddConst(FloatConstant):
    instruction = "add"


@register("tpu.SubConst")
class SubConst(FloatConstant):
    instruction = "sub"


@register("tpu.MulConst")
class MulConst(FloatConstant):
    instruction = "mul"


@register("tpu.MaxConst")
class MaxConst(FloatConstant):
    instruction = "max"


@register("tpu.MinConst")
class MinConst(FloatConstant):
    instruction = "min"


@register("tpu.Reciprocal")
class Reciprocal(LocalKernel):
    """const_val / x."""

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        with rounded_into(engine, out, self.out_storage) as result:
            engine.div(result, self.op.get("const_val"), widened(engine, inputs[0], self.in_storage()))
        relu(engine, self.op, out)


@register("tpu.Clip")
class Clip(LocalKernel):
    """min(max(x, min), max) of floats."""

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        engine.max(out, inputs[0], self.op.get("min"))
        engine.min(out, out, self.op.get("max"))


@register("tpu.Relu")
class Relu(LocalKernel):
    """max(x, 0), and min(x, relu_limit); an INT8 one shares scale and zero point of its input, an unsigned result of a signed one saturates."""

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        if self.out_storage not in FLOATS:
            if self.out_storage == self.in_storage():
                engine.max(out, inputs[0], self.out_zero_point)
            else:
                engine.cast(out, inputs[0], Rounding.HALF_UP)
            limit_above(engine, self, out)
            return
        engine.max(out, inputs[0], 0.0)
        if self.op.get("relu_limit") > 0:
            engine.min(out, out, self.op.get("relu_limit"))


@register("tpu.LeakyRelu")
class LeakyRelu(LocalKernel):
    """x > 0 ? x : alpha * x of floats; INT8: negative ones (x * multiplier) >> rshift, half up."""

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        if self.out_storage not in FLOATS:
            self._emit_int8(engine, out, inputs[0])
            return
        alpha = self.op.get("alpha")
        with engine.scope():
            scaled = engine.local(out.shape, self.out_storage)
            engine.mul(scaled, inputs[0], alpha)
            (engine.max if alpha <= 1 else engine.min)(out, inputs[0], scaled)


    def _emit_int8(self, engine: Engine, out: Operand, x: Operand) -> None:
        with engine.scope():
            negative = engine.local(out.shape, self.in_storage())
            engine.min(negative, x, 0)
            engine.mul_shift(negative, negative, self.op.get("multiplier"), -self.op.get("rshift"), Rounding.HALF_UP)
            engine.max(out, x, 0)
            engine.add_saturated(out, out, negative)


@register("tpu.MulShift")
class MulShift(LocalKernel):
    """(x * multiplier) >> rshift, half up; where there are zero points as RequantInt."""

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        multiplier, rshift = self.op.get("multiplier"), self.op.get("rshift")
        if self.in_zero_point() or self.out_zero_point:
            requantize_stored(engine, self, out, inputs[0], Rounding.HALF_UP)
            return
        if self.out_storage == self.in_storage():
            engine.mul_shift(out, inputs[0], multiplier, -rshift, Rounding.HALF_UP)
            return
        with engine.scope():
            wide = engine.local(out.shape, "i16")
            engine.mul_shift(wide, inputs[0], multiplier, -rshift, Rounding.HALF_UP)
            engine.cast(out, wide, Rounding.HALF_UP)


def requantize_stored(engine: Engine, kernel: LocalKernel, out: Operand, x: Operand, rounding: Rounding) -> None:
    """8 bits to 8 bits of another scale and zero point."""
    multiplier, rshift = kernel.op.get("multiplier"), kernel.op.get("rshift")
    with engine.scope():
        wide = engine.local(out.shape, "i16")
        engine.add_saturated(wide, x, -kernel.in_zero_point())
        engine.requantize(out, wide, (multiplier, -rshift, kernel.out_zero_point), rounding)


@register("tpu.RequantInt")
class RequantInt(LocalKernel):
    """((x - zero point) * multiplier) >> rshift, half away from zero, + zero point; saturated."""

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        requantize_stored(engine, self, out, inputs[0], Rounding.HALF_AWAY)


@register("tpu.RequantIntAxis")
class RequantIntAxis(LocalKernel):
    """i32 to 8 bits with a multiplier, shift and zero point per channel, half away from zero."""

    def constants(self) -> list[Constant]:
        return [Constant("requantization", Form.ALIGNED, (self.out_shape[1], 3), "i32")]

    def constant_arrays(self, model: Model) -> Arrays:
        return {"requantization": model.weight(self.op.operands[1]).reshape(-1, 3)}

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        engine.requantize(out, inputs[0], constants["requantization"], Rounding.HALF_AWAY)


@register("tpu.Lut")
class Lut(LocalKernel):
    """table[x], 256 entries by the byte of x."""

    def constants(self) -> list[Constant]:
        return [Constant("table", Form.EVERY_LANE, (256,), self.out_storage)]

    def constant_arrays(self, model: Model) -> Arrays:
        return {"table": model.weight(self.op.operands[1]).reshape(256)}

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        engine.table(out, inputs[0], constants["table"])


@register("tpu.Cast")
class Cast(LocalKernel):
    """Floats to 8 bits: x * f32(1 / scale), rounded half away from zero, + zero point, saturated; back: (x - zero point) * scale.
    Between float types: rounded to the nearest, ties to even."""

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        source, target = quantization_of(self.activations[0]), quantization_of(self.out)
        if source is not None and self.out_storage in FLOATS:
            with rounded_into(engine, out, self.out_storage) as result:
                engine.dequantize(result, inputs[0], source.scale, source.zero_point)
        elif target is not None and self.in_storage() in FLOATS:
            self._quantize(engine, out, inputs[0], target.scale, target.zero_point)
        elif self.out_storage in FLOATS and self.in_storage() in FLOATS:
            with engine.scope():
                both_narrow = "f32" not in (self.in_storage(), self.out_storage)
                x = widened(engine, inputs[0], self.in_storage()) if both_narrow else inputs[0]
                engine.cast(out, x, Rounding.HALF_TO_EVEN)
        else:
            raise TpucError(f'"{self.name}": no cast from {self.in_storage()} to {self.out_storage} on bm1684x')

    def _quantize(self, engine: Engine, out: Operand, x: Operand, scale: float, zero_point: int) -> None:
        with engine.scope():
            x = widened(engine, x, self.in_storage())
            scaled = engine.local(out.shape, "f32")
            engine.mul(scaled, x, float(np.float32(1 / scale)))
            if zero_point == 0:
                engine.cast(out, scaled, Rounding.HALF_AWAY)
                return
            wide = engine.local(out.shape, "i16")
            engine.cast(wide, scaled, Rounding.HALF_AWAY)
            add_zero_point(engine, out, wide, zero_point, self.out_storage)
