"""Kernels as instructions: what `CommandEngine` and `CostEngine` share. Every method fills the fields of one command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tpuc_bm1684x.isa import ElementType, Layout, Rounding
from tpuc_bm1684x.isa.memory_map import LANES, LOCAL_BASE, STATIC_BASE
from tpuc_bm1684x.kernels.constants import FLOATS, immediate
from tpuc_bm1684x.kernels.engine import GlobalView, Rows, Shape4, Sweep
from tpuc_bm1684x.kernels.local_memory import DoesNotFit, Local, size_of

ELEMENT_TYPE = {"f32": ElementType.F32, "f16": ElementType.F16, "bf16": ElementType.BF16, "i8": ElementType.I8, "u8": ElementType.I8, "i16": ElementType.I16,
                "u16": ElementType.I16, "i32": ElementType.I32, "u32": ElementType.I32}
DMA_TYPE = {1: ElementType.I8, 2: ElementType.I16, 4: ElementType.F32}
OPERATION = {"mul": 0, "add": 2, "sub": 3, "max": 4, "min": 5, "select_gt": 10, "div": 12, "cast": 14, "adds": 15, "copy": 19, "muls": 20, "abs": 26}
COMPARE_GREATER = 23  # of two operands that are compared, one of two others
DIVISION_STEPS = 3  # the field: one less than the iterations
MOST_SIZE, MOST_SHORT_STRIDE, MOST_ROW_STRIDE = 65535, 65535, (1 << 18) - 1


def is_signed(storage: str) -> int:
    """1 for signed integers and floats."""
    return int(not storage.startswith("u"))


def raw_bits(value: float, storage: str) -> int:
    """An immediate in the raw format of a type."""
    array = immediate(value, storage).reshape(1)
    return int(array.view(f"u{array.itemsize}")[0])


class InstructionEngine:
    """Builds commands; subclasses say what becomes of them, and where tensors lie."""

    def _issue(self, engine: str, form: str, reads: Sequence[Local | GlobalView], writes: Sequence[Local | GlobalView], **fields: int) -> None:
        raise NotImplementedError

    def _allocate(self, shape: Shape4, storage: str) -> Local:
        raise NotImplementedError

    def _release(self, x: Local) -> None:
        raise NotImplementedError

    def _global_address(self, view: GlobalView) -> int:
        raise NotImplementedError

    # memory
    def __init__(self) -> None:
        self._scopes: list[list[Local]] = []

    @contextmanager
    def scope(self) -> Iterator[None]:
        self._scopes.append([])
        try:
            yield
        finally:
            for x in self._scopes.pop():
                self._release(x)

    def local(self, shape: Shape4, storage: str) -> Local:
        x = self._allocate(tuple(shape), storage)
        if self._scopes:
            self._scopes[-1].append(x)
        return x

    def rows(self, x: Local, rows: Rows) -> Local:
        return x.rows(rows)

    def images(self, x: Local, start: int, stop: int) -> Local:
        return x.images(start, stop)

    def channels(self, x: Local, start: int, stop: int) -> Local:
        return x.channels(start, stop)

    def window(self, x: Local, rows: slice, columns: slice) -> Local:
        return x.window(rows, columns)

    def reinterpreted(self, x: Local, storage: str) -> Local:
        return Local(x.offset, x.shape, storage, x.strides)

    def _local_side(self, side: str, x: Local) -> dict[str, int]:
        return {f"{side}_start_addr": LOCAL_BASE + x.offset, **self._sides(side, x.shape, x.strides)}

    def _global_side(self, side: str, view: GlobalView) -> dict[str, int]:
        return {f"{side}_start_addr": self._global_address(view), **self._sides(side, view.shape, view.strides)}

    def _sides(self, side: str, shape: Shape4, strides: Shape4) -> dict[str, int]:
        if max(shape) > MOST_SIZE:
            raise DoesNotFit(f"a transfer of {shape}")
        names = {f"{side}_{axis}size": size for axis, size in zip("nchw", shape)}
        return names | {f"{side}_{axis}stride": stride if size > 1 or axis == "w" else 0 for axis, size, stride in zip("nchw", shape, strides)}

    def _tensor(self, destination: dict[str, int], source: dict[str, int], storage: str, reads, writes, **fields: int) -> None:
        for side in (destination, source):
            for axis in ("src_wstride", "dst_wstride"):
                if axis in side and side[axis] == 0:
                    side[axis] = 1
        self._issue("gdma", "DMA_tensor", reads, writes, stride_enable=1, src_data_format=DMA_TYPE[size_of(storage)], **destination, **source, **fields)

    def load(self, out: Local, source: GlobalView) -> None:
        self._tensor(self._local_side("dst", out), self._global_side("src", source), source.storage, [source], [out])

    def load_to_lanes(self, out: Local, source: GlobalView) -> None:
        destination = self._local_side("dst", out) | {"dst_csize": LANES}
        self._tensor(destination, self._global_side("src", source), source.storage, [source], [out], cmd_special_function=3)

    def store(self, destination: GlobalView, x: Local) -> None:
        self._tensor(self._global_side("dst", destination), self._local_side("src", x), x.storage, [x], [destination])

    def copy_global(self, destination: GlobalView, source: GlobalView) -> None:
        self._tensor(self._global_side("dst", destination), self._global_side("src", source), source.storage, [source], [destination])

    def transpose_global(self, destination: GlobalView, source: GlobalView) -> None:
        self._tensor(self._global_side("dst", destination), self._global_side("src", source), source.storage, [source], [destination],
                     cmd_special_function=2)

    def fill_global(self, destination: GlobalView, value: float) -> None:
        self._tensor(self._global_side("dst", destination), {}, destination.storage, [], [destination],
                     fill_constant_en=1, constant_value=raw_bits(value, destination.storage))

    # convolution and pooling
    def _sweep_fields(self, sweep: Sweep, out: Local, x: Local) -> dict[str, int]:
        up, down, left, right = sweep.pads
        self._check_sizes(out, x)
        return {"res0_n": out.shape[0], "res0_c": out.shape[1], "res0_h": out.shape[2], "res0_w": out.shape[3],
                "opd0_h": x.shape[2], "opd0_w": x.shape[3], "opd1_h": sweep.kernel[0], "opd1_w": sweep.kernel[1],
                "res_op_y_str": sweep.stride[0], "res_op_x_str": sweep.stride[1],
                "opd1_y_ins0": sweep.dilation[0] - 1, "opd1_x_ins0": sweep.dilation[1] - 1,
                "opd0_y_ins0": sweep.insert[0], "opd0_x_ins0": sweep.insert[1],
                "opd0_up_pad": up, "opd0_dn_pad": down, "opd0_lf_pad": left, "opd0_rt_pad": right,
                "kernel_rotate": int(sweep.is_rotated), "res0_addr": out.offset, "opd0_addr": x.offset,
                "res0_prec": ELEMENT_TYPE[out.storage], "opd0_prec": ELEMENT_TYPE[x.storage], "opd0_sign": is_signed(x.storage),
                "opd3_const": 1, "opd3_addr": raw_bits(sweep.pad_value, x.storage),
                "res1_addr": raw_bits(sweep.pad_value, x.storage) if any(sweep.insert) else 0}

    def _check_sizes(self, *operands: Local) -> None:
        for x in operands:
            if max(x.shape) > MOST_SIZE:
                raise DoesNotFit(f"a tensor of {x.shape}")

    def conv(self, out: Local, x: Local, weight: Local, bias: Local | None, sweep: Sweep, *, is_added: bool = False,
             zero_point: int = 0) -> None:
        fields = self._sweep_fields(sweep, out, x)
        if not x.is_aligned:
            if x.strides[0] > MOST_SHORT_STRIDE or x.strides[1] > MOST_SHORT_STRIDE:
                raise DoesNotFit(f"strides {x.strides}")
            fields |= {"opd0_str": Layout.STRIDED, **{f"opd0_{a}_str": s for a, s in zip("nchw", x.strides)}}
        has_bias = {"opd2_addr": bias.offset} if bias is not None else {"opd2_const": 1, "opd2_addr": zero_point & 0xFF}
        reads = [x, weight, *([bias] if bias is not None else []), *([out] if is_added else [])]
        self._issue("tiu", "sCONV", reads, [out], opd0_c=x.shape[1], opd1_addr=weight.offset, opd1_sign=is_signed(weight.storage),
                    opd2_sign=1, res_add=int(is_added), **has_bias, **fields)

    def _pooling(self, operation: int, out: Local, x: Local, sweep: Sweep, reads: Sequence[Local], **fields: int) -> None:
        with self.scope():
            x = self._aligned_copy(x)
            self._issue("tiu", "sPorD", [x, *reads], [out], tsk_eu_typ=operation, **(self._sweep_fields(sweep, out, x) | fields))

    def depthwise(self, out: Local, x: Local, weight: Local, bias: Local | None, sweep: Sweep) -> None:
        has_bias = {"opd2_addr": bias.offset} if bias is not None else {"opd2_const": 1, "opd2_addr": 0}
        self._pooling(0, out, x, sweep, [weight, *([bias] if bias is not None else [])], opd1_addr=weight.offset,
                      opd1_sign=is_signed(weight.storage), opd2_sign=1, **has_bias)

    def max_pool(self, out: Local, x: Local, sweep: Sweep) -> None:
        self._pooling(4, out, x, sweep, [])

    def average_pool(self, out: Local, x: Local, sweep: Sweep, multiplier: float) -> None:
        self._pooling(1, out, x, sweep, [], opd1_const=1, opd1_addr=raw_bits(multiplier, x.storage), opd2_const=1, opd2_addr=0)

    def _aligned_copy(self, x: Local) -> Local:
        """The tensor itself, or a copy in the aligned layout that lives to the end of the scope."""
        if x.is_aligned:
            return x
        whole = self.local(x.shape, x.storage)
        self.copy(whole, x)
        return whole

    # element by element
    def _operand(self, name: str, x: Any, out_shape: Shape4, storage: str) -> dict[str, int]:
        if not isinstance(x, Local):
            return {f"{name}_const": 1, f"{name}_addr": raw_bits(x, storage), f"{name}_prec": ELEMENT_TYPE[storage], f"{name}_sign": is_signed(storage)}
        fields = {f"{name}_addr": x.offset, f"{name}_prec": ELEMENT_TYPE[x.storage], f"{name}_sign": is_signed(x.storage)}
        return fields | self._layout(name, x, out_shape)

    def _layout(self, name: str, x: Local, out_shape: Shape4) -> dict[str, int]:
        if x.shape == out_shape and x.is_aligned:
            return {f"{name}_str": Layout.ALIGNED}
        if x.is_per_channel and x.shape[1] == out_shape[1]:
            return {f"{name}_str": Layout.BROADCAST}
        strides = [0 if size == 1 and wanted > 1 else stride for size, wanted, stride in zip(x.shape, out_shape, x.strides)]
        if max(strides[:2]) > MOST_SHORT_STRIDE or max(strides[2:]) > MOST_ROW_STRIDE:
            raise DoesNotFit(f"strides {strides}")
        return {f"{name}_str": Layout.STRIDED, **{f"{name}_{axis}_str": stride for axis, stride in zip("nchw", strides)}}

    def _arithmetic(self, operation: str, out: Local, a: Any, b: Any = None, *, shift: int | None = None, rounding: int = 0) -> None:
        self._check_sizes(out)
        typed = a if isinstance(a, Local) else b
        fields = self._operand("opd0", a, out.shape, typed.storage)
        count = 1
        if b is not None:
            count = 2
            storages = [x.storage if isinstance(x, Local) else immediate_storage(x, typed.storage, operation, out.storage) for x in (a, b)]
            check_saturation(operation, out.storage, storages)
            fields |= self._operand("opd1", b, out.shape, storages[1])
        if shift is not None:
            count = 3
            fields |= {"opd2_const": 1, "opd2_addr": shift & 0xFF, "opd2_prec": ElementType.I8, "opd2_sign": 1}
        elif operation == "cast":
            fields["opd2_sign"] = is_signed(out.storage)
        fields |= self._layout("res0", out, out.shape)
        self._issue("tiu", "sAR", [x for x in (a, b) if isinstance(x, Local)], [out], tsk_eu_typ=OPERATION[operation], tsk_opd_num=count,
                    res0_prec=ELEMENT_TYPE[out.storage], res0_addr=out.offset, opd2_n_str=int(rounding),
                    **{f"res0_{axis}": size for axis, size in zip("nchw", out.shape)}, **fields)

    def add(self, out: Local, a: Any, b: Any) -> None:
        self._arithmetic("add", out, a, b)

    def sub(self, out: Local, a: Any, b: Any) -> None:
        self._arithmetic("sub", out, a, b)

    def mul(self, out: Local, a: Any, b: Any) -> None:
        self._arithmetic("mul", out, a, b)

    def div(self, out: Local, a: Any, b: Any) -> None:
        self._arithmetic("div", out, a, b, rounding=DIVISION_STEPS)

    def max(self, out: Local, a: Any, b: Any) -> None:
        self._arithmetic("max", out, a, b)

    def min(self, out: Local, a: Any, b: Any) -> None:
        self._arithmetic("min", out, a, b)

    def abs(self, out: Local, x: Local) -> None:
        self._arithmetic("abs", out, x)

    def copy(self, out: Local, x: Local) -> None:
        self._arithmetic("copy", out, x)

    def cast(self, out: Local, x: Local, rounding: Rounding) -> None:
        self._arithmetic("cast", out, x, rounding=rounding)

    def add_saturated(self, out: Local, a: Any, b: Any, shift: int = 0) -> None:
        self._arithmetic("adds", out, a, b, shift=shift or None)

    def mul_shift(self, out: Local, a: Any, b: Any, shift: int, rounding: Rounding) -> None:
        self._arithmetic("muls", out, a, b, shift=shift, rounding=rounding)

    def _flat_shape(self, out: Local) -> dict[str, int]:
        self._check_sizes(out)
        return {f"res0_{axis}": size for axis, size in zip("nchw", out.shape)}

    def _on_aligned(self, form: str, out: Local, x: Local, *others: Local, **fields: int) -> None:
        """An instruction that takes its operand in the aligned layout only, and writes that."""
        with self.scope():
            x = self._aligned_copy(x)
            self._issue("tiu", form, [x, *others], [out], res0_addr=out.offset, res0_prec=ELEMENT_TYPE[out.storage], opd0_addr=x.offset,
                        opd0_prec=ELEMENT_TYPE[x.storage], **(self._flat_shape(out) | fields))

    def requantize(self, out: Local, x: Local, parameters: Local | tuple[int, int, int], rounding: Rounding) -> None:
        if isinstance(parameters, Local):
            fields = {"opd1_addr": parameters.offset}
        else:
            multiplier, shift, zero_point = parameters
            fields = {"opd1_const": 1, "opd1_addr": multiplier & 0xFFFFFFFF, "opd2_addr": (shift & 0xFF) | (zero_point & 0xFFFF) << 16}
        others = [parameters] if isinstance(parameters, Local) else []
        self._on_aligned("sRQDQ", out, x, *others, tsk_eu_typ=1, opd0_sign=1, opd2_sign=is_signed(out.storage), opd2_n_str=int(rounding), **fields)

    def requantize_float(self, out: Local, x: Local, scale: float, offset: float) -> None:
        self._on_aligned("sRQDQ", out, x, tsk_eu_typ=0, opd0_sign=1, opd2_sign=is_signed(out.storage), opd2_n_str=int(Rounding.HALF_AWAY) << 3,
                         opd1_const=1, opd1_addr=raw_bits(scale, "f32"), opd2_addr=raw_bits(offset, "f32"))

    def dequantize(self, out: Local, x: Local, scale: float, zero_point: int) -> None:
        self._on_aligned("sRQDQ", out, x, tsk_eu_typ=3, opd0_sign=is_signed(x.storage), opd1_const=1, opd1_addr=zero_point & 0xFFFF,
                         opd2_addr=raw_bits(scale, "f32"))

    def dequantize_int(self, out: Local, x: Local, multiplier: int, shift: int, zero_point: int, rounding: Rounding) -> None:
        self._on_aligned("sRQDQ", out, x, tsk_eu_typ=4, opd0_sign=is_signed(x.storage), opd2_sign=1, opd2_n_str=int(rounding), opd1_const=1,
                         opd1_addr=(zero_point & 0xFFFF) | (shift & 0xFFFF) << 16, opd2_addr=multiplier & 0xFFFFFFFF)

    def taylor(self, out: Local, x: Local, coefficients: Local) -> None:
        self._on_aligned("sSFU", out, x, coefficients, tsk_eu_typ=13, opd1_addr=coefficients.offset, opd1_n=coefficients.shape[3])

    def rsqrt(self, out: Local, x: Local) -> None:
        self._on_aligned("sSFU", out, x, tsk_eu_typ=17, opd2_n_str=DIVISION_STEPS)

    def static_table(self, out: Local, offset_bytes: int) -> None:
        self._issue("tiu", "sTRANSBC", [], [out], tsk_eu_typ=4, res0_addr=out.offset, opd0_addr=STATIC_BASE + offset_bytes,
                    res0_prec=ELEMENT_TYPE[out.storage], **self._flat_shape(out))

    def table(self, out: Local, x: Local, table: Local) -> None:
        n, c, h, w = out.shape
        flat = Local.aligned(out.offset, (n, c, 1, h * w), out.storage)
        with self.scope():
            x = self._aligned_copy(x)
            self._issue("tiu", "sSG", [x, table], [out], tsk_eu_typ=5, res0_addr=out.offset, opd0_addr=table.offset, opd1_addr=x.offset,
                        opd0_str=Layout.PER_LANE, opd0_h=1, opd0_w=table.shape[3], opd1_c=c, opd1_w=h * w, res0_prec=ElementType.I8,
                        opd0_prec=ElementType.I8, opd1_prec=ElementType.I8, **self._flat_shape(flat))

    def greater(self, out: Local, a: Any, b: Any, value: float = 1.0) -> None:
        self._check_sizes(out)
        typed = a if isinstance(a, Local) else b
        fields = self._operand("opd0", a, out.shape, typed.storage) | self._operand("opd1", b, out.shape, typed.storage)
        fields |= self._layout("res0", out, out.shape)
        self._issue("tiu", "sAR", [x for x in (a, b) if isinstance(x, Local)], [out], tsk_eu_typ=OPERATION["select_gt"], tsk_opd_num=3,
                    res0_prec=ELEMENT_TYPE[out.storage], res0_addr=out.offset, opd2_const=1, opd2_addr=raw_bits(value, out.storage),
                    opd2_prec=ELEMENT_TYPE[out.storage], **self._flat_shape(out), **fields)

    def choose(self, out: Local, a: Any, b: Any, yes: Any, no: Any) -> None:
        with self.scope():
            operands = [self._whole(x, out) for x in (a, b, yes, no)]
            compared = next(x.storage for x in operands[:2] if isinstance(x, Local))
            storages = (compared, compared, out.storage, out.storage)
            fields = {}
            for index, (x, storage) in enumerate(zip(operands, storages)):
                is_local = isinstance(x, Local)
                fields[f"opd{index}_addr"] = x.offset if is_local else raw_bits(x, storage)
                fields[f"opd{index}_const"] = int(not is_local)
            self._issue("tiu", "sCMP", [x for x in operands if isinstance(x, Local)], [out], tsk_eu_typ=COMPARE_GREATER, res0_addr=out.offset,
                        opd0_prec=ELEMENT_TYPE[compared], opd0_sign=is_signed(compared), opd2_prec=ELEMENT_TYPE[out.storage],
                        **self._flat_shape(out), **fields)

    def _whole(self, x: Any, out: Local) -> Any:
        """An operand of an instruction that broadcasts nothing: a number, or a tensor of the shape of `out`, aligned."""
        if not isinstance(x, Local) or (x.shape == out.shape and x.is_aligned):
            return x
        whole = self.local(out.shape, x.storage)
        self.copy(whole, x)
        return whole

    def exponent(self, out: Local, x: Local) -> None:
        self._on_aligned("sSFU", out, x, tsk_eu_typ=15)

    # matrices
    def matmul(self, out: Local, left: Local, right: Local, last: int, bias: Local | None = None, *, is_added: bool = False) -> None:
        rows, pieces, _, width = left.shape
        self._check_sizes(out, left, right)
        has_bias = {"opd2_const": 1, "opd2_addr": 0} if bias is None else {"opd2_addr": bias.offset}
        reads = [left, right, *([bias] if bias is not None else []), *([out] if is_added else [])]
        self._issue("tiu", "sMM", reads, [out], tsk_eu_typ=1, res0_c=out.shape[1], res0_w=out.shape[3],
                    opd0_n=rows, opd0_c=pieces, opd0_w=width, opd1_w=last, res0_addr=out.offset, opd0_addr=left.offset, opd1_addr=right.offset,
                    res0_prec=ELEMENT_TYPE[out.storage], opd0_prec=ELEMENT_TYPE[left.storage], opd0_sign=is_signed(left.storage),
                    opd1_sign=is_signed(right.storage), res_add=int(is_added), **has_bias)


def immediate_storage(value: Any, storage: str, operation: str, out_storage: str) -> str:
    """The type of an immediate second operand: that of the first, or the narrowest integer where the instruction mixes types."""
    if storage in FLOATS or operation in ("max", "min") or isinstance(value, Local):
        return storage
    sign = "" if is_signed(out_storage) else "u"
    bits = next(bits for bits in (8, 16, 32) if np.iinfo(f"{sign or ''}int{bits}").min <= value <= np.iinfo(f"{sign}int{bits}").max)
    return f"{sign or 'i'}{bits}"


def check_saturation(operation: str, out_storage: str, storages: Sequence[str]) -> None:
    """The sum and product that saturate do so to a signed type if one of their operands is signed: that must be the result's."""
    if operation in ("adds", "muls") and is_signed(out_storage) != max(map(is_signed, storages)):
        raise ValueError(f"{operation} of {', '.join(storages)} does not saturate to {out_storage}")
