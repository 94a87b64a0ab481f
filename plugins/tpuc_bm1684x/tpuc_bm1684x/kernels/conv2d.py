"""tpu.Conv2D, tpu.Deconv and tpu.MatMul: what multiplies with a constant filter, in a float type, or in INT8 with a multiplier and
shift per output channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tpuc_bm1684x.kernels.base import Arrays, LocalKernel, Slice, register
from tpuc_bm1684x.kernels.constants import FLOATS, LANES, Constant, Form, typed
from tpuc_bm1684x.kernels.engine import Engine, Operand, Rounding, Rows, Sweep
from tpuc_bm1684x.kernels.local_memory import DoesNotFit
from tpuc_bm1684x.kernels.stored import limit_stored
from tpuc_bm1684x.kernels.widening import rounded_into, widened
from tpuc_core.errors import TpucError
from tpuc_core.ir import Model, is_none, shape_of, storage_of

CHUNK_LANE_BYTES = 96 * 1024  # filters of more bytes in a lane are computed in chunks of output channels
MOST_PADDING = MOST_STRIDE = 15  # the fields have 4 bits
MOST_KEPT_BITS = 7  # 16 bits hold 8-bit results, less any zero point, with so many bits below the point


def checked(sweep: Sweep, name: str) -> Sweep:
    """The sweep, if its fields fit the instruction. Raises TpucError."""
    if max(sweep.pads) > MOST_PADDING or max(sweep.stride) > MOST_STRIDE or max(sweep.insert) > MOST_STRIDE or max(sweep.dilation) > MOST_STRIDE + 1:
        raise TpucError(f'"{name}": pads, strides and dilations of bm1684x are at most {MOST_PADDING}; here pads {sweep.pads}, strides {sweep.stride}, dilations {sweep.dilation}')
    return sweep


def sweep_of(kernel: LocalKernel, pad_value: float = 0) -> Sweep:
    """The sweep that an op's kernel_shape, strides, dilations and pads [top, left, bottom, right] describe."""
    op = kernel.op
    top, left, bottom, right = op.get("pads")
    dilation = op.get("dilations") or (1, 1) if "dilations" in op.attributes else (1, 1)
    stride = used_strides(op.get("strides"), kernel.in_shape()[2:], op.get("kernel_shape"), op.get("pads"), dilation)
    return checked(Sweep(tuple(op.get("kernel_shape")), stride, tuple(dilation), (top, bottom, left, right), pad_value=pad_value), kernel.name)


def used_strides(strides: Sequence[int], sizes: Sequence[int], kernel: Sequence[int], pads: Sequence[int], dilation: Sequence[int] = (1, 1)) -> tuple[int, int]:
    """The strides, but 1 along an axis on which the kernel covers the whole padded input and never moves."""
    sy, sx = (stride if size + pads[i] + pads[i + 2] > (k - 1) * d + 1 else 1 for i, (stride, size, k, d) in enumerate(zip(strides, sizes, kernel, dilation)))
    return sy, sx


class SweepKernel(LocalKernel):
    """A kernel whose rows depend on a window of input rows."""

    sweep: Sweep

    def input_rows(self, index: int, rows: Rows) -> Rows:
        if len(rows) == self.out_shape[2]:
            return Rows(0, self.in_shape()[2])
        needed = self.sweep.input_rows(rows, self.in_shape()[2])
        if needed.stop <= needed.start:
            raise DoesNotFit("rows that only see padding")
        return needed

    def sweep_on(self, rows: Rows) -> Sweep:
        """The sweep over just the input rows that some output rows need."""
        if len(rows) == self.out_shape[2]:
            return self.sweep
        return checked(self.sweep.on_rows(rows, self.in_shape()[2]), self.name)


def dense_filter(weight: np.ndarray, channels_in: int, group: int) -> np.ndarray:
    """A grouped filter [oc, ic/group, kh, kw] as [oc, ic, kh, kw], zero outside the groups."""
    if group == 1:
        return weight
    oc, per_group = weight.shape[:2]
    dense = np.zeros((oc, channels_in, *weight.shape[2:]), weight.dtype)
    for g in range(group):
        rows = slice(g * oc // group, (g + 1) * oc // group)
        dense[rows, g * per_group : (g + 1) * per_group] = weight[rows]
    return dense


def chunks_of(channels: int, slot_bytes: int) -> list[tuple[int, int]]:
    """Ranges of whole slots (64 channels) whose filters stay below CHUNK_LANE_BYTES in a lane."""
    step = LANES * max(1, CHUNK_LANE_BYTES // slot_bytes)
    return [(c, min(channels, c + step)) for c in range(0, channels, step)]


def requantization(op, channels: int, zero_point: int = 0) -> np.ndarray:
    """Multiplier, shift and zero point of each channel, int32 [channels, 3], as the instruction reads them."""
    multiplier = op.get("multiplier") if "multiplier" in op.attributes else op.get("multipliers")
    rshift = op.get("rshift") if "rshift" in op.attributes else op.get("rshifts")
    words = np.empty((channels, 3), np.int32)
    words[:, 0], words[:, 1], words[:, 2] = multiplier, -np.asarray(rshift), zero_point
    return words


def two_roundings(op, channels: int, zero_point: int) -> dict[str, np.ndarray]:
    """The words of both requantizations of mode TFLite: sum * multiplier / 2^31 with up to MOST_KEPT_BITS bits below the point, in 16
    bits, then without them. Those are the integers of LiteRT where a shift is not larger."""
    multiplier, shift = np.asarray(op.get("multiplier"), np.int64), np.asarray(op.get("rshift"), np.int64)
    kept = np.clip(shift, 0, MOST_KEPT_BITS)
    words = {name: np.zeros((channels, 3), np.int32) for name in ("requantization", "second_rounding")}
    words["requantization"][:, 0], words["requantization"][:, 1] = multiplier, -(31 + shift - kept)
    words["second_rounding"][:, 0], words["second_rounding"][:, 1], words["second_rounding"][:, 2] = 1, -kept, zero_point
    return words


def has_bias(op) -> bool:
    """Whether an op adds a bias: what weight-reorder noted, else whether the operand is there."""
    return bool(op.get("with_bias")) if "with_bias" in op.attributes else not is_none(op.operands[2])


def relu(engine: Engine, op, out: Operand) -> None:
    """The fused relu of a float op, in place."""
    if op.get("do_relu"):
        engine.max(out, out, 0.0)
        if op.get("relu_limit") > 0:
            engine.min(out, out, op.get("relu_limit"))


class FilterKernel(SweepKernel):
    """A kernel with a constant filter and bias: floats, or 8 bits whose i32 sums are requantized by channel.

    A depthwise convolution rounds at every step to the type of its operands; bf16 holds too little for that and goes through f32.
    """

    is_depthwise = False
    is_requantized = True
    filter_zero_point_name = ""
    rounding = Rounding.HALF_UP

    def prepare(self) -> None:
        self.is_int8 = self.in_storage() not in FLOATS
        self.filter_zero_point = self.op.get(self.filter_zero_point_name) if self.filter_zero_point_name else 0
        self.has_bias = has_bias(self.op)
        self.is_rounded_twice = self.is_int8 and self.is_requantized and self.op.get("quant_mode") == "TFLite"

    @property
    def computes_in(self) -> str:
        """The type of a float instruction's input and filter."""
        return "f32" if self.is_depthwise and self.in_storage() == "bf16" else self.in_storage()

    def constants(self) -> list[Constant]:
        oc, ic = self.out_shape[1], self.in_shape()[1]
        filter_storage, wide = ("i8", "i32") if self.is_int8 else (self.computes_in, self.computes_in if self.is_depthwise else "f32")
        form = Form.COMPACT if self.is_depthwise or filter_storage == "f32" else Form.GROUPED
        found = [Constant("filter", form, (oc, *(() if self.is_depthwise else (ic,)), *self.sweep.kernel), filter_storage)]
        if self.has_bias:
            found.append(Constant("bias", Form.COMPACT, (oc,), wide))
        if self.is_int8 and self.is_requantized:
            found.append(Constant("requantization", Form.ALIGNED, (oc, 3), "i32"))
        if self.is_rounded_twice:
            found.append(Constant("second_rounding", Form.ALIGNED, (oc, 3), "i32"))
        return found

    def constant_arrays(self, model: Model) -> Arrays:
        oc = self.out_shape[1]
        weight, bias = (typed(model.weight(v), storage_of(v)) if not is_none(v) else None for v in self.op.operands[1:3])
        arrays = {"filter": self.filter(weight)}
        if self.has_bias:
            arrays["bias"] = bias.reshape(oc)
        if self.is_rounded_twice:
            arrays |= two_roundings(self.op, oc, self.out_zero_point)
        elif self.is_int8 and self.is_requantized:
            arrays["requantization"] = requantization(self.op, oc, self.out_zero_point)
        return arrays

    def filter(self, weight: np.ndarray) -> np.ndarray:
        """The filter in the shape of its constant. Raises TpucError for one that does not fit the op's input and groups."""
        dense = weight.reshape(self.out_shape[1], -1, *self.sweep.kernel)
        channels, group = self.in_shape()[1], self.op.get("group")
        if dense.shape[1] * group != channels:
            raise self.op.error(f"filter {list(dense.shape)} in {group} groups does not fit an input of {channels} channels")
        return dense[:, 0] if self.is_depthwise else dense_filter(dense, channels, group)

    def chunks(self) -> list[tuple[int, int]]:
        return chunks_of(self.out_shape[1], self.constants()[0].slot_bytes)

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        sweep = self.sweep_on(part.rows)
        if not self.is_int8:
            instruction = engine.depthwise if self.is_depthwise else engine.conv
            is_wide = self.computes_in != self.in_storage()
            with rounded_into(engine, out, self.out_storage if is_wide else "f32") as result:
                x = widened(engine, inputs[0], self.in_storage()) if is_wide else inputs[0]
                instruction(result, x, constants["filter"], constants.get("bias"), sweep)
            relu(engine, self.op, out)
        elif not self.is_requantized:
            self._sum(engine, out, inputs[0], constants, sweep)
        else:
            with engine.scope():
                total = engine.local(out.shape, "i32")
                self._sum(engine, total, inputs[0], constants, sweep)
                if self.is_rounded_twice:
                    with_bits = engine.local(out.shape, "i16")
                    engine.requantize(with_bits, total, constants["requantization"], Rounding.HALF_UP)
                    engine.requantize(out, with_bits, constants["second_rounding"], Rounding.HALF_AWAY)
                else:
                    engine.requantize(out, total, constants["requantization"], self.rounding)
                limit_stored(engine, self, out)

    def _sum(self, engine: Engine, total: Operand, x: Operand, constants: Mapping[str, Operand], sweep: Sweep) -> None:
        """The sums of 8-bit products in i32, on top of the bias."""
        bias = constants.get("bias")
        if self.is_depthwise:
            engine.depthwise(total, x, constants["filter"], bias, sweep)
            if self.filter_zero_point:
                self._subtract_filter_zero_point(engine, total, x, sweep)
            return
        if bias is not None:
            engine.copy(total, bias)
        engine.conv(total, x, constants["filter"], None, sweep, is_added=bias is not None, zero_point=self.filter_zero_point)

    def _subtract_filter_zero_point(self, engine: Engine, total: Operand, x: Operand, sweep: Sweep) -> None:
        """sum x (w - z) = sum x w - z sum x: the instruction for depthwise convolution knows no zero point of the kernel."""
        with engine.scope():
            window = engine.local(total.shape, "i32")
            engine.average_pool(window, x, sweep, abs(self.filter_zero_point))
            (engine.sub if self.filter_zero_point > 0 else engine.add)(total, total, window)


@register("tpu.Conv2D")
class Conv2D(FilterKernel):
    """Dense and depthwise convolution; padding holds the input's zero point. See docs/numerics.md."""

    filter_zero_point_name = "kernel_zp"

    def prepare(self) -> None:
        super().prepare()
        self.sweep = sweep_of(self, self.in_zero_point())
        group = self.op.get("group")
        self.is_depthwise = group > 1 and group == self.in_shape()[1] == self.out_shape[1]


@register("tpu.Deconv")
class Deconv(FilterKernel):
    """Transposed convolution: zeros between the inputs, the filter turned. f32, or 8 bits to i32."""

    is_requantized = False

    def prepare(self) -> None:
        super().prepare()
        op = self.op
        if op.get("dilations") and tuple(op.get("dilations")) != (1, 1):
            raise TpucError(f'"{self.name}": a dilated deconvolution is not supported on bm1684x')
        (kh, kw), (sy, sx), (top, left, _, _) = op.get("kernel_shape"), op.get("strides"), op.get("pads")
        _, _, ih, iw = self.in_shape()
        _, _, oh, ow = self.out_shape
        up, lf = kh - 1 - top, kw - 1 - left
        down, right = oh + kh - 1 - ((ih - 1) * sy + 1) - up, ow + kw - 1 - ((iw - 1) * sx + 1) - lf
        self.sweep = checked(Sweep((kh, kw), pads=(up, down, lf, right), insert=(sy - 1, sx - 1), is_rotated=True, pad_value=self.in_zero_point()), self.name)


class MatMul(FilterKernel):
    """x [rows, inner] times a constant [inner, columns]: a 1x1 convolution with the rows as images."""

    sweep = Sweep((1, 1))
    rounding = Rounding.HALF_AWAY
    filter_zero_point_name = "right_zp"

    def prepare(self) -> None:
        super().prepare()
        op = self.op
        rank = len(shape_of(self.activations[0]))
        if len(self.activations) != 1 or rank != 2 or op.get("left_transpose") or op.get("output_transpose") or op.get("hdim_is_batch"):
            raise TpucError(f'"{self.name}": bm1684x runs a MatMul of two axes with a constant right side; this one has operands {[shape_of(v) for v in self.activations]}')

    def filter(self, weight: np.ndarray) -> np.ndarray:
        oc, ic = self.out_shape[1], self.in_shape()[1]
        right = weight.reshape(oc, ic) if self.op.get("right_transpose") else weight.reshape(ic, oc).T
        return np.ascontiguousarray(right).reshape(oc, ic, 1, 1)
