"""SG, SGL and their short forms: gather, scatter, masked select, nonzero, int8 tables. Bits move as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tpuc_kernels import gather

from tpuc_bm1684x.isa.kinds import ElementType, Layout
from tpuc_bm1684x.simulator.execute.binding import Context, Step, executes
from tpuc_bm1684x.simulator.execute.operands import LocalTensor, aligned_tensor, constant, element_type, result_shape
from tpuc_bm1684x.simulator.memory import Shape, aligned, compact, line_aligned, split_local
from tpuc_core.errors import TpucError

GATHER_D1, GATHER_D2, SCATTER_D1, SCATTER_D2 = 0, 1, 3, 4
PE_GATHER, PE_SCATTER, PE_SELECT, PE_NONZERO = 5, 6, 8, 9
SAME_AS = {13: PE_GATHER, 14: PE_SCATTER, 15: PE_SELECT, 16: PE_NONZERO}
"""The variants that may overlap; with operands apart they give the same bytes."""
GATHER_LINE, SCATTER_LINE, SELECT_LINE = 17, 18, 19


@executes("SG", "sSG")
def bind_scatter_gather(context: Context) -> Step:
    """Rows of w elements, picked, placed or packed along w."""
    operation = SAME_AS.get(context.operation, context.operation)
    binders = {
        GATHER_D1: _bind_gather,
        GATHER_D2: _bind_gather,
        SCATTER_D1: _bind_scatter,
        SCATTER_D2: _bind_scatter,
        PE_GATHER: _bind_pe_gather,
        PE_SCATTER: _bind_pe_scatter,
        PE_SELECT: _bind_pack,
        PE_NONZERO: _bind_pack,
    }
    if operation not in binders:
        raise context.not_modelled(f"operation {context.operation}")
    return binders[operation](context)


def _dtype(context: Context, field: str = "res0_prec") -> np.dtype:
    return np.dtype(f"u{element_type(context, context[field]).size_bytes}")


def _row_shape(context: Context) -> tuple[int, int, int]:
    n, c, _, w = result_shape(context)
    return n, c, w


def _result(context: Context) -> LocalTensor:
    n, c, w = _row_shape(context)
    return aligned_tensor(context, "res0", (n, c, 1, w), _dtype(context))


def _index_type(context: Context) -> np.dtype:
    if context["opd1_prec"] not in (ElementType.I8, ElementType.I16):
        raise context.not_modelled(f"an index of type {context['opd1_prec']}")
    return _dtype(context, "opd1_prec")


class _VectorIndex:
    """One index vector for all channels: an entry per lane, packed from slot to slot. Where the limit is on, an
    index of all ones names no element. Indices of two dimensions, (x, y) in 32 bits, count in rows of `width`."""

    def __init__(self, context: Context, count: int, size: int, width: int):
        if split_local(context["opd1_addr"])[0]:
            raise context.not_modelled("an index vector that does not start in lane 0")
        self.is_pair = context.operation in (GATHER_D2, SCATTER_D2)
        self.has_limit, self.size, self.width = bool(context["opd3_const"]), size, width
        dtype = np.dtype(np.uint32) if self.is_pair else _index_type(context)
        strides = compact((1, count, 1, 1), dtype.itemsize, 0)
        self.tensor = LocalTensor(context.memory, "opd1", context["opd1_addr"], (1, count, 1, 1), strides, dtype)

    def load(self) -> tuple[np.ndarray, np.ndarray]:
        """Which entries name an element, and which elements those name."""
        raw = self.tensor.load().reshape(-1)
        named = np.flatnonzero(raw != np.iinfo(raw.dtype).max) if self.has_limit else np.arange(raw.size)
        places = raw[named].astype(np.intp)
        if self.is_pair:
            x, y = places & 0xFFFF, places >> 16
            if (x >= self.width).any():
                raise TpucError(f"an index with x = {int(x.max())} in rows of {self.width}")
            places = y * self.width + x
        if places.size and int(places.max()) >= self.size:
            raise TpucError(f"an index of {int(places.max())} is not below {self.size}")
        return named, places


def _in_range(index: np.ndarray, size: int) -> np.ndarray:
    """The indices, as they select. TpucError for one that lies outside."""
    if index.size and int(index.max()) >= size:
        raise TpucError(f"an index of {int(index.max())} is not below {size}")
    return index.astype(np.intp)


def _same_lanes(context: Context, *operands: str) -> None:
    lanes = {split_local(context[f"{operand}_addr"])[0] for operand in ("res0", *operands)}
    if len(lanes) > 1:
        raise context.not_modelled("operands and result that start in different lanes")


def _bind_gather(context: Context) -> Step:
    _same_lanes(context, "opd0")
    n, c, w = _row_shape(context)
    rows = context["opd0_h"] if context.operation == GATHER_D2 else 1
    source = aligned_tensor(context, "opd0", (n, c, rows, context["opd0_w"]), _dtype(context))
    index, result = _VectorIndex(context, w, rows * context["opd0_w"], context["opd0_w"]), _result(context)
    is_filled = context["opd3_const"] and context["opd2_const"]
    fill = constant(context["opd2_addr"], result.dtype)

    def gather() -> None:
        named, places = index.load()
        values = np.full(result.shape, fill, result.dtype) if is_filled else result.load()
        values[:, :, 0, named] = source.load().reshape(n, c, -1)[:, :, places]
        result.store(values)

    return gather


def _bind_scatter(context: Context) -> Step:
    _same_lanes(context, "opd0")
    n, c, h, w = result_shape(context)
    count, rows = context["opd0_w"], h if context.operation == SCATTER_D2 else 1
    source = aligned_tensor(context, "opd0", (n, c, 1, count), _dtype(context))
    result = aligned_tensor(context, "res0", (n, c, rows, w), _dtype(context))
    index = _VectorIndex(context, count, rows * w, w)

    def scatter() -> None:
        values, placed = source.load(), result.load()
        flat = placed.reshape(n, c, -1)
        for entry, place in zip(*index.load()):  # in this order: the last of equal indices wins
            flat[:, :, place] = values[:, :, 0, entry]
        result.store(placed)

    return scatter


def _table(context: Context, shape: Shape, strides: Shape, is_per_lane: bool) -> LocalTensor:
    """opd0: a table per channel with those strides, or one per lane that the lane's channels share."""
    if is_per_lane:
        strides = 0, 0, strides[2], 1
    return LocalTensor(context.memory, "opd0", context["opd0_addr"], shape, strides, _dtype(context))


def _pe_table(context: Context, channels: int) -> LocalTensor:
    layout = context["opd0_str"]
    if layout not in (Layout.ALIGNED, Layout.PER_LANE):
        raise context.not_modelled(f"opd0_str {layout}")
    shape = 1, channels, 1, context["opd0_w"]
    strides = aligned(shape, _dtype(context).itemsize, split_local(context["opd0_addr"])[0])
    return _table(context, shape, strides, layout == Layout.PER_LANE)


def _bind_pe_gather(context: Context) -> Step:
    _same_lanes(context, "opd0", "opd1")
    n, c, w = _row_shape(context)
    table, result = _pe_table(context, c), _result(context)
    index = aligned_tensor(context, "opd1", (n, c, 1, w), _index_type(context))
    has_limit = bool(context["opd3_const"])
    fill = constant(context["opd2_addr"], result.dtype) if context["opd2_const"] and has_limit else None

    def look_up() -> None:
        old = result.load() if has_limit and fill is None else None
        result.store(_checked(gather.table, index.load(), table.load()[0, :, 0], skips=has_limit, fill=fill, out=old))

    return look_up


def _bind_pe_scatter(context: Context) -> Step:
    _same_lanes(context, "opd0", "opd1")
    n, c, w = _row_shape(context)
    count, has_limit = context["opd0_w"], bool(context["opd3_const"])
    table, result = _pe_table(context, c), _result(context)
    index = aligned_tensor(context, "opd1", (n, c, 1, count), _index_type(context))

    def scatter() -> None:
        rows = result.load().reshape(n, c, w)
        placed = _checked(
            gather.scatter, rows, table.load()[0, :, 0], index.load().reshape(n, c, count), skips=has_limit
        )
        result.store(placed.reshape(n, c, 1, w))

    return scatter


def _checked(kernel: Callable[..., np.ndarray], *operands: np.ndarray, **options: object) -> np.ndarray:
    """The kernel's result. TpucError for an index that lies outside."""
    try:
        return kernel(*operands, **options)
    except IndexError as error:
        raise TpucError(str(error)) from error


def _counts(context: Context, n: int, c: int) -> LocalTensor:
    strides = compact((n, c, 1, 1), 2, split_local(context["res1_addr"])[0])
    return LocalTensor(
        context.memory, "res1", context["res1_addr"], (n, c, 1, 1), strides, np.dtype(np.uint16), context.lane_mask
    )


def _bind_pack(context: Context) -> Step:
    n, c, w = _row_shape(context)
    result, counts = _result(context), _counts(context, n, c)
    if SAME_AS.get(context.operation, context.operation) == PE_NONZERO:
        _same_lanes(context, "opd0")
        mask = aligned_tensor(context, "opd0", (n, c, 1, context["opd0_w"]), _dtype(context, "opd0_prec"))
        positions = np.broadcast_to(np.arange(w, dtype=result.dtype), (n, c, w))
        values: Callable[[], np.ndarray] = lambda: positions  # noqa: E731
    else:
        _same_lanes(context, "opd0", "opd1")
        mask = aligned_tensor(context, "opd1", (n, c, 1, context["opd0_w"]), _dtype(context, "opd1_prec"))
        table = _pe_table(context, c)
        values = lambda: np.broadcast_to(table.load()[:, :, 0], (n, c, w))  # noqa: E731

    def pack() -> None:
        rows, chosen, found = result.load(), mask.load()[:, :, 0] != 0, values()
        for i, j in np.ndindex(n, c):
            packed = found[i, j][chosen[i, j]]
            rows[i, j, 0, : packed.size] = packed
        counts.store(chosen.sum(axis=2, dtype=np.uint16).reshape(n, c, 1, 1))
        result.store(rows)

    return pack


@executes("SGL", "sSGL")
def bind_lines(context: Context) -> Step:
    """Whole rows, picked, placed or packed along h."""
    if context["opd3_const"]:
        raise context.not_modelled("opd3_const")
    _same_lanes(context, "opd0", "opd1")
    n, c, h, w = result_shape(context)
    lines: Shape = (1, c, context["opd0_h"], w)
    strides = line_aligned(lines, _dtype(context).itemsize, split_local(context["opd0_addr"])[0])
    table = _table(context, lines, strides, context["opd0_str"] != Layout.STRIDED)
    count = h if context.operation == GATHER_LINE else context["opd0_h"]
    shape = n, c, count if context.operation == SELECT_LINE else h, w
    dtype, address = _dtype(context), context["res0_addr"]
    result = LocalTensor(
        context.memory,
        "res0",
        address,
        shape,
        line_aligned(shape, dtype.itemsize, split_local(address)[0]),
        dtype,
        context.lane_mask,
    )
    index = aligned_tensor(context, "opd1", (n, c, count, 1), _dtype(context, "opd1_prec"))
    counts = _counts(context, n, c) if context.operation == SELECT_LINE else None
    if context.operation == GATHER_LINE:
        channel = np.arange(c)[:, None]
        return lambda: result.store(table.load()[0, channel, _in_range(index.load()[..., 0], table.shape[2])])

    def place_lines() -> None:
        rows, source, picks = result.load(), table.load()[0], index.load()[..., 0]
        for i, j in np.ndindex(n, c):
            if counts is not None:
                packed = source[j][picks[i, j] != 0]
                rows[i, j, : len(packed)] = packed
            else:
                for k, row in enumerate(_in_range(picks[i, j], h)):
                    rows[i, j, row] = source[j, k]
        if counts is not None:
            counts.store((picks != 0).sum(axis=2, dtype=np.uint16).reshape(n, c, 1, 1))
        result.store(rows)

    return place_lines
