"""The interpreter: kernels on whole numpy arrays, in the chip's arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from tpuc_kernels import compare, conv, elementwise, gather, matmul, pool, requant, special

from tpuc_bm1684x.isa import Rounding
from tpuc_bm1684x.kernels.constants import HALVES, STORAGE, immediate, typed
from tpuc_bm1684x.kernels.engine import GlobalView, Rows, Shape4, Sweep
from tpuc_bm1684x.kernels.instruction_engine import DIVISION_STEPS, check_saturation, immediate_storage
from tpuc_bm1684x.simulator.memory import static_tables

Array = np.ndarray
STORAGE_NAME = {dtype: name for name, dtype in STORAGE.items()}


def geometry(sweep: Sweep, storage: str) -> dict[str, Any]:
    """A sweep over a tensor of that storage as keyword arguments of tpuc_kernels."""
    pad_value = immediate(sweep.pad_value, storage) if storage in HALVES else sweep.pad_value
    return {"stride": sweep.stride, "dilation": sweep.dilation, "pads": sweep.pads, "pad_value": pad_value}


class ArrayEngine:
    """Operands are arrays [n, c, h, w]; `out` is written in place. Global tensors are arrays by name."""

    def __init__(self, tensors: dict[str, Array]):
        self.tensors = tensors

    # memory
    @contextmanager
    def scope(self) -> Iterator[None]:
        yield

    def local(self, shape: Shape4, storage: str) -> Array:
        return np.empty(shape, STORAGE[storage])

    def rows(self, x: Array, rows: Rows) -> Array:
        return x[:, :, rows.start : rows.stop]

    def images(self, x: Array, start: int, stop: int) -> Array:
        return x[start:stop]

    def channels(self, x: Array, start: int, stop: int) -> Array:
        return x[:, start:stop]

    def window(self, x: Array, rows: slice, columns: slice) -> Array:
        return x[:, :, rows, columns]

    def reinterpreted(self, x: Array, storage: str) -> Array:
        return x.view(STORAGE[storage])

    def _at(self, view: GlobalView) -> Array:
        flat = self.tensors[view.tensor].reshape(-1)
        strides = [s * flat.itemsize for s in view.strides]
        return np.lib.stride_tricks.as_strided(flat[view.offset :], view.shape, strides)

    def load(self, out: Array, source: GlobalView) -> None:
        out[...] = self._at(source)

    load_to_lanes = load

    def store(self, destination: GlobalView, x: Array) -> None:
        self._at(destination)[...] = x

    def copy_global(self, destination: GlobalView, source: GlobalView) -> None:
        self._at(destination)[...] = self._at(source).reshape(destination.shape)

    def transpose_global(self, destination: GlobalView, source: GlobalView) -> None:
        self._at(destination)[...] = self._at(source).transpose(0, 3, 2, 1)

    def fill_global(self, destination: GlobalView, value: float) -> None:
        self._at(destination)[...] = immediate(value, destination.storage)

    def _set(self, out: Array, value: Array) -> None:
        """Write a result of the kernels, which give bf16 as bit patterns."""
        out[...] = typed(value, "bf16") if out.dtype == STORAGE["bf16"] else value

    # convolution and pooling
    def conv(self, out: Array, x: Array, weight: Any, bias: Array | None, sweep: Sweep, *, is_added: bool = False,
             zero_point: int = 0) -> None:
        flat = None if bias is None else bias.reshape(-1)
        storage = STORAGE_NAME[x.dtype]
        options = {"insert": sweep.insert, "rotate": sweep.is_rotated, **geometry(sweep, storage)}
        if storage in HALVES:
            kernel = conv.conv_f16 if storage == "f16" else conv.conv_bf16
            self._set(out, kernel(x, weight, flat, result=STORAGE_NAME[out.dtype], **options))
        elif storage == "f32":
            out[...] = conv.conv_f32(x, weight, flat, **options)
        else:
            old = np.ascontiguousarray(out) if is_added else None
            out[...] = conv.conv_int8(x, weight, insert_value=sweep.pad_value, old=old, kernel_zero_point=zero_point, **options)

    def depthwise(self, out: Array, x: Array, weight: Array, bias: Array | None, sweep: Sweep) -> None:
        flat, storage = None if bias is None else bias.reshape(-1), STORAGE_NAME[x.dtype]
        if storage in HALVES:
            self._set(out, pool.depthwise_half(storage, x, weight, flat, **geometry(sweep, storage)))
        elif storage == "f32":
            out[...] = pool.depthwise_f32(x, weight, flat, **geometry(sweep, storage))
        else:
            out[...] = pool.depthwise_int8(x, weight, flat, result=out.dtype, **geometry(sweep, storage))

    def max_pool(self, out: Array, x: Array, sweep: Sweep) -> None:
        storage, x = STORAGE_NAME[x.dtype], np.ascontiguousarray(x)
        if storage in HALVES:
            self._set(out, pool.maximum_half(storage, x, sweep.kernel, **geometry(sweep, storage)))
        else:
            out[...] = pool.maximum(x, sweep.kernel, **geometry(sweep, storage))

    def average_pool(self, out: Array, x: Array, sweep: Sweep, multiplier: float) -> None:
        storage, x = STORAGE_NAME[x.dtype], np.ascontiguousarray(x)
        if storage in HALVES:
            self._set(out, pool.average_half(storage, x, sweep.kernel, immediate(multiplier, storage), **geometry(sweep, storage)))
        elif storage == "f32":
            out[...] = pool.average_f32(x, sweep.kernel, multiplier, **geometry(sweep, storage))
        else:
            out[...] = pool.average_int8(x, sweep.kernel, multiplier, 0, result=out.dtype, **geometry(sweep, storage))

    # element by element
    def _binary(self, operation: str, out: Array, a: Any, b: Any, **options: Any) -> None:
        storage = STORAGE_NAME[(a if isinstance(a, np.ndarray) else b).dtype]
        if not isinstance(a, np.ndarray):
            a = immediate(a, storage)
        if not isinstance(b, np.ndarray):
            b = immediate(b, immediate_storage(b, storage, operation, STORAGE_NAME[out.dtype]))
        check_saturation(operation, STORAGE_NAME[out.dtype], [STORAGE_NAME[a.dtype], STORAGE_NAME[b.dtype]])
        self._set(out, elementwise.binary(operation, a, b, out.dtype, **options))

    def add(self, out: Array, a: Any, b: Any) -> None:
        self._binary("add", out, a, b)

    def sub(self, out: Array, a: Any, b: Any) -> None:
        self._binary("sub", out, a, b)

    def mul(self, out: Array, a: Any, b: Any) -> None:
        self._binary("mul", out, a, b)

    def div(self, out: Array, a: Any, b: Any) -> None:
        self._binary("div", out, a, b, rounding=DIVISION_STEPS)

    def max(self, out: Array, a: Any, b: Any) -> None:
        self._binary("max", out, a, b)

    def min(self, out: Array, a: Any, b: Any) -> None:
        self._binary("min", out, a, b)

    def abs(self, out: Array, x: Array) -> None:
        self._set(out, elementwise.unary("abs", x))

    def copy(self, out: Array, x: Array) -> None:
        out[...] = x

    def cast(self, out: Array, x: Array, rounding: Rounding) -> None:
        self._set(out, elementwise.cast(np.ascontiguousarray(x), out.dtype, int(rounding)))

    def add_saturated(self, out: Array, a: Any, b: Any, shift: int = 0) -> None:
        self._binary("adds", out, a, b, shift=shift or None)

    def mul_shift(self, out: Array, a: Any, b: Any, shift: int, rounding: Rounding) -> None:
        self._binary("muls", out, a, b, shift=shift, rounding=int(rounding))

    def requantize(self, out: Array, x: Array, parameters: Array | tuple[int, int, int], rounding: Rounding) -> None:
        multiplier, shift, zero_point = parameters if isinstance(parameters, tuple) else np.ascontiguousarray(parameters.T)
        out[...] = requant.requantize_int(x, multiplier, shift, zero_point, out.dtype, int(rounding))

    def requantize_float(self, out: Array, x: Array, scale: float, offset: float) -> None:
        out[...] = requant.requantize_float(x, scale, offset, out.dtype, float_rounding=int(Rounding.HALF_AWAY))

    def dequantize(self, out: Array, x: Array, scale: float, zero_point: int) -> None:
        out[...] = requant.dequantize_float(x, zero_point, scale)

    def dequantize_int(self, out: Array, x: Array, multiplier: int, shift: int, zero_point: int, rounding: Rounding) -> None:
        out[...] = requant.dequantize_int(np.ascontiguousarray(x), multiplier, shift, zero_point, out.dtype, int(rounding))

    def taylor(self, out: Array, x: Array, coefficients: Array) -> None:
        self._set(out, special.taylor(x, coefficients.reshape(-1, coefficients.shape[-1])[0]))

    def rsqrt(self, out: Array, x: Array) -> None:
        out[...] = special.rsqrt(x, DIVISION_STEPS + 1)

    def static_table(self, out: Array, offset_bytes: int) -> None:
        out[...] = static_tables().view(np.uint8)[offset_bytes : offset_bytes + out.shape[3] * out.itemsize].view(out.dtype)

    def table(self, out: Array, x: Array, table: Array) -> None:
        out[...] = gather.table(x.view(np.uint8), table.reshape(-1).view(out.dtype))

    def greater(self, out: Array, a: Any, b: Any, value: float = 1.0) -> None:
        self._binary("select_gt", out, a, b, value=immediate(value, STORAGE_NAME[out.dtype]))

    def choose(self, out: Array, a: Any, b: Any, yes: Any, no: Any) -> None:
        kind = STORAGE_NAME[next(x for x in (a, b) if isinstance(x, np.ndarray)).dtype]
        a, b = (x if isinstance(x, np.ndarray) else immediate(x, kind) for x in (a, b))
        bits = f"i{out.dtype.itemsize}"
        yes, no = ((x if isinstance(x, np.ndarray) else immediate(x, STORAGE_NAME[out.dtype])).view(bits) for x in (yes, no))
        out.view(bits)[...] = compare.select("gt", a, b, yes, no)

    def exponent(self, out: Array, x: Array) -> None:
        out[...] = special.normalize(np.ascontiguousarray(x), out.dtype)

    # matrices
    def matmul(self, out: Array, left: Array, right: Array, last: int, bias: Array | None = None, *, is_added: bool = False) -> None:
        rows, pieces, _, width = left.shape
        flat_left = np.ascontiguousarray(left).reshape(rows, -1)[:, : (pieces - 1) * width + last]
        flat_right = np.ascontiguousarray(right).reshape(right.shape[0], -1)
        if out.dtype == np.float32:
            old = np.ascontiguousarray(out).reshape(rows, -1) if is_added else None
            row = np.zeros(flat_right.shape[1], np.float32) if bias is None else np.ascontiguousarray(bias).reshape(-1)
            result = matmul.mm_f32(np.ascontiguousarray(flat_left), flat_right, row, old)
        else:
            result = matmul.mm_int8(np.ascontiguousarray(flat_left), flat_right)
        out[...] = result.reshape(out.shape)
