"""DMA_matrix, DMA_gather, DMA_scatter: rows between a memory and lanes, rows picked and placed by index."""

from __future__ import annotations

from functools import partial

import numpy as np
from tpuc_kernels import copy

from tpuc_bm1684x.isa.memory_map import LANE_BYTES, LANES
from tpuc_bm1684x.simulator.execute.binding import Context, Step, executes, in_turn
from tpuc_bm1684x.simulator.execute.dma import address_of, default_strides, sizes, stride_fields, touches, window
from tpuc_bm1684x.simulator.execute.operands import element_type
from tpuc_bm1684x.simulator.memory import ALL_LANES, Place, Shape, aligned
from tpuc_core.errors import TpucError


@executes("DMA_matrix")
def bind_matrix(context: Context) -> Step:
    """Rows outside local memory <-> rows cut into sections that lie in the lanes one after the other."""
    size = element_type(context, context["src_data_format"]).size_bytes
    source, target = address_of(context, "src", size), address_of(context, "dst", size)
    if source.is_local == target.is_local:
        raise TpucError("exactly one side of a matrix move must be local memory")
    if context["fill_constant_en"] or context["nchw_copy"] or context["cmd_special_function"] > 1:
        raise context.not_modelled("a matrix move with constant, nchw_copy or another special function")
    inner, outer = ("dst", "src") if target.is_local else ("src", "dst")
    local, outside = (target, source) if target.is_local else (source, target)
    _, _, rows, columns = sizes(context, outer)
    row_stride = stride_fields(context, outer)[2] if context["stride_enable"] else columns
    return _bind_sections(context, local, outside, (rows, columns, row_stride), inner, size)


def _bind_sections(
    context: Context, local: Place, outside: Place, matrix: tuple[int, int, int], inner: str, size: int
) -> Step:
    rows, columns, row_stride = matrix
    steps_of = (row_stride, 1)  # strides outside of a local row, and of a local column
    if context["cmd_special_function"] == 1:
        rows, columns, steps_of = columns, rows, (1, row_stride)
    local_rows, sections, _, width = sizes(context, inner)
    if local_rows != rows or width < 1 or sections != -(-columns // width):
        raise TpucError(
            f"a matrix of {rows} rows and {columns} columns does not fill "
            f"{local_rows} rows of {sections} sections of {width}"
        )
    if context["stride_enable"]:
        n_stride, c_stride = stride_fields(context, inner)[:2]
    else:
        n_stride, c_stride = aligned((rows, sections, 1, width), size, local.offset // LANE_BYTES)[:2]
    steps = []
    for first, count, wide in ((0, columns // width, width), (columns // width, 1, columns % width)):
        if not count * wide:
            continue
        shape: Shape = (rows, count, 1, wide)
        start = outside._replace(offset=outside.offset + first * width * steps_of[1] * size)
        far = window(start, "matrix", shape, (steps_of[0], width * steps_of[1], 0, steps_of[1]), size)
        near = window(
            _lane_after(local, first, c_stride * size), "local matrix", shape, (n_stride, c_stride, 0, 1), size
        )
        pair = (far, near) if inner == "dst" else (near, far)
        steps.append(partial(copy.tensor, *pair, context["localmem_mask"]))
    return in_turn(steps)


def _lane_after(place: Place, lanes: int, slot_bytes: int) -> Place:
    """The place that lies that many lanes later; past the last lane it is in the next slot of the first.

    A tensor's own slots count from its start lane, so the offset moves by a whole slot and never by part of one.
    """
    lane, offset = divmod(place.offset, LANE_BYTES)
    slot, lane = divmod(lane + lanes, 64)
    if offset + slot * slot_bytes >= LANE_BYTES:
        raise TpucError("a matrix move leaves the lanes of local memory")
    return place._replace(offset=lane * LANE_BYTES + offset + slot * slot_bytes)


@executes("DMA_gather")
def bind_gather(context: Context) -> Step:
    """dst[c, i, :] = src[c, index[c, i], :], the constant where the index is too large."""
    size, channels, source, target, index = _rows(context)
    count, width = context["dst_hsize"], context["src_wsize"]
    src_rows, dst_rows = context["src_hsize"], count
    dtype = np.dtype(f"u{size}")
    constant = np.frombuffer((context["constant_value"] & (1 << 8 * size) - 1).to_bytes(size, "little"), dtype)[0]
    src = _RowTensor(context, "src", source, (1, context["src_csize"], src_rows, width), size)
    dst = _RowTensor(context, "dst", target, (1, channels, dst_rows, width), size)
    picks = _RowTensor(context, "index", index, (1, context["index_csize"], count, 1), 4)
    if dst.touches(src) or dst.touches(picks):
        raise context.not_modelled("a destination that overlaps source or index")

    def gather() -> None:
        rows, chosen = src.load(dtype)[0], picks.load(np.dtype("u4"))[0, :, :, 0]
        result = np.empty((1, channels, count, width), dtype)
        for c in range(channels):
            picked = chosen[c % len(chosen)]
            found = picked < src_rows
            result[0, c] = rows[c % len(rows)][np.where(found, picked, 0)]
            result[0, c][~found] = constant
        dst.store(result)

    return gather


@executes("DMA_scatter")
def bind_scatter(context: Context) -> Step:
    """dst[c, index[c, i], :] = src[c, i, :], in order of i; rows whose index is too large are dropped."""
    size, channels, source, target, index = _rows(context)
    count, width, dst_rows = context["src_hsize"], context["src_wsize"], context["dst_hsize"]
    dtype = np.dtype(f"u{size}")
    src = _RowTensor(context, "src", source, (1, context["src_csize"], count, width), size)
    dst = _RowTensor(context, "dst", target, (1, channels, dst_rows, width), size)
    picks = _RowTensor(context, "index", index, (1, context["index_csize"], count, 1), 4)
    if dst.touches(src) or dst.touches(picks):
        raise context.not_modelled("a destination that overlaps source or index")

    if dst.overlaps_itself():
        raise context.not_modelled("a destination whose rows overlap")

    def scatter() -> None:
        rows, chosen, result = src.load(dtype)[0], picks.load(np.dtype("u4"))[0, :, :, 0], dst.load(dtype)
        for c in range(channels):
            picked = chosen[c % len(chosen)]
            for i in np.flatnonzero(picked < dst_rows):
                result[0, c, picked[i]] = rows[c % len(rows)][i]
        dst.store(result)

    return scatter


def _rows(context: Context) -> tuple[int, int, Place, Place, Place]:
    if context["fill_constant_en"] or context["nchw_copy"] or context["cmd_special_function"]:
        raise context.not_modelled("a gather or scatter with a constant fill, nchw_copy or a special function")
    size = element_type(context, context["src_data_format"]).size_bytes
    source, target = address_of(context, "src", size), address_of(context, "dst", size)
    index = context.memory.place(context["index_start_addr"])
    c, index_c = context["src_csize"], context["index_csize"]
    if c != index_c and 1 not in (c, index_c):
        raise TpucError(f"{c} channels of rows cannot be picked by {index_c} channels of indices")
    return size, max(c, index_c), source, target, index


class _RowTensor:
    """One of the three tensors of a gather: [1, channels, rows, width] with free c and h strides."""

    def __init__(self, context: Context, side: str, place: Place, shape: Shape, size: int):
        strides = default_strides(place, shape, size)
        if context["stride_enable"]:
            strides = (0, context[f"{side}_cstride"], context[f"{side}_hstride"], 1)
        self.place, self.start, self.strides = window(place, side, shape, strides, size), place, strides
        self.shape, self.size, self.mask = shape, size, context["localmem_mask"] if side == "dst" else ALL_LANES

    def touches(self, other: _RowTensor) -> bool:
        """True if the bytes of the two may overlap."""
        return touches(self.start, self.shape, self.strides, other.start, other.shape, other.strides, self.size)

    def overlaps_itself(self) -> bool:
        """True unless each row starts after the one before, and each channel after the rows of the one before."""
        _, c, h, w = self.shape
        _, channel, row, _ = self.strides
        return (h > 1 and row < w) or (c > (LANES if self.start.is_local else 1) and channel < (h - 1) * row + w)

    def load(self, dtype: np.dtype) -> np.ndarray:
        array = np.empty(self.shape, dtype)
        copy.tensor(self.place, self._flat(array))
        return array

    def store(self, array: np.ndarray) -> None:
        copy.tensor(self._flat(array), self.place, self.mask)

    def _flat(self, array: np.ndarray) -> copy.Place:
        _, c, h, w = self.shape
        return copy.Place(array.view(np.uint8).reshape(-1), 0, self.shape, (c * h * w, h * w, w, 1), self.size)
