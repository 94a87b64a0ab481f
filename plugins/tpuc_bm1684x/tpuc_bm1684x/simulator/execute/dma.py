"""DMA_tensor, DMA_general, DMA_cw_transpose: moves of bits, never conversions."""

from __future__ import annotations

import math
from functools import partial

from tpuc_kernels import copy

from tpuc_bm1684x.isa.memory_map import LANE_BYTES, LANES
from tpuc_bm1684x.simulator.execute.binding import Context, Step, executes, in_turn
from tpuc_bm1684x.simulator.execute.operands import element_type
from tpuc_bm1684x.simulator.memory import Place, Shape, aligned, last_byte
from tpuc_core.errors import TpucError

COPY, NC_TRANSPOSE, CW_TRANSPOSE, BROADCAST, CW_TRANSPOSE_TOO = 0, 1, 2, 3, 4
LINEAR_COPY, LINEAR_BROADCAST = 0, 1


def address_of(context: Context, side: str, size: int) -> Place:
    """Where the source or the destination starts."""
    address = context[f"{side}_start_addr"]
    if address % size:
        raise TpucError(f"{side}_start_addr {address:#x} is not aligned to its elements of {size} bytes")
    return context.memory.place(address)


def window(place: Place, side: str, shape: Shape, strides: Shape, size: int, lane_axis: int = 1) -> copy.Place:
    """A checked tensor in a memory, for the copy kernels. `lane_axis` counts lanes, if the memory is local."""
    if min(shape) < 1:
        raise TpucError(f"the {side} {list(shape)} has an empty dimension")
    try:
        return copy.Place(place.buffer, place.offset, shape, strides, size, lane_axis if place.is_local else -1)
    except ValueError as error:
        raise TpucError(
            f"the {side} {list(shape)} with strides {list(strides)} at byte {place.offset:#x} leaves "
            f"{place.space} memory"
        ) from error


def touches(a: Place, a_shape: Shape, a_strides: Shape, b: Place, b_shape: Shape, b_strides: Shape, size: int) -> bool:
    """True if two tensors lie in one memory and the ranges between their first and last bytes meet; in local memory the
    ranges within a lane count, even where the lanes differ."""
    if a.space != b.space:
        return False
    (a_first, a_end), (b_first, b_end) = _range(a, a_shape, a_strides, size), _range(b, b_shape, b_strides, size)
    return a_first < b_end and b_first < a_end


def _range(place: Place, shape: Shape, strides: Shape, size: int) -> tuple[int, int]:
    if place.is_local:
        lane, offset = divmod(place.offset, LANE_BYTES)
        return offset, last_byte(shape, strides, size, lane, offset)
    return place.offset, place.offset + (sum((n - 1) * stride for n, stride in zip(shape, strides)) + 1) * size


def sizes(context: Context, side: str) -> Shape:
    """n, c, h, w sizes of a side."""
    return context[f"{side}_nsize"], context[f"{side}_csize"], context[f"{side}_hsize"], context[f"{side}_wsize"]


def stride_fields(context: Context, side: str) -> Shape:
    """n, c, h, w strides of a side, in elements."""
    return (
        context[f"{side}_nstride"],
        context[f"{side}_cstride"],
        context[f"{side}_hstride"],
        context[f"{side}_wstride"],
    )


def default_strides(place: Place, shape: Shape, size: int) -> Shape:
    """Strides of a command without `stride_enable`: channels at 64 bytes in local memory, nothing between elsewhere."""
    _, c, h, w = shape
    if place.is_local:
        return aligned(shape, size, place.offset // LANE_BYTES)
    return c * h * w, h * w, w, 1


def permuted(strides: Shape, order: tuple[int, int, int, int]) -> Shape:
    """Strides of a tensor seen with its axes in another order."""
    return strides[order[0]], strides[order[1]], strides[order[2]], strides[order[3]]


@executes("DMA_tensor")
def bind_tensor(context: Context) -> Step:
    """Copy, transpose, broadcast or fill."""
    function = context["cmd_special_function"]
    if context["fill_constant_en"]:
        return _bind_fill(context)
    if function in (CW_TRANSPOSE, CW_TRANSPOSE_TOO):
        return bind_cw_transpose(context)
    if function not in (COPY, NC_TRANSPOSE, BROADCAST):
        raise context.not_modelled(f"cmd_special_function {function}")
    size = element_type(context, context["src_data_format"]).size_bytes
    source, target = address_of(context, "src", size), address_of(context, "dst", size)
    src_shape = sizes(context, "src")
    dst_shape = src_shape if context["nchw_copy"] else sizes(context, "dst")
    if function == BROADCAST:
        return _bind_broadcast(context, source, target, size)
    if function == NC_TRANSPOSE:
        dst_shape = (src_shape[1], src_shape[0], *src_shape[2:])
    if math.prod(src_shape) != math.prod(dst_shape):
        raise TpucError(f"a source {list(src_shape)} cannot become a destination {list(dst_shape)}")
    src_strides, dst_strides = default_strides(source, src_shape, size), default_strides(target, dst_shape, size)
    if context["stride_enable"]:
        src_strides, dst_strides = stride_fields(context, "src"), stride_fields(context, "dst")
    if function == NC_TRANSPOSE:
        src_strides, dst_strides = (*src_strides[:3], 1), (*dst_strides[:3], 1)
        to = window(target, "destination", src_shape, permuted(dst_strides, (1, 0, 2, 3)), size, lane_axis=0)
    else:
        to = window(target, "destination", dst_shape, dst_strides, size)
    return partial(copy.tensor, window(source, "source", src_shape, src_strides, size), to, context["localmem_mask"])


def _bind_fill(context: Context) -> Step:
    function = context["cmd_special_function"]
    if function not in (COPY, NC_TRANSPOSE, BROADCAST):
        raise context.not_modelled(f"fill_constant_en with cmd_special_function {function}")
    size = element_type(context, context["src_data_format"]).size_bytes
    target = address_of(context, "dst", size)
    shape = sizes(context, "src" if context["nchw_copy"] else "dst")
    strides = stride_fields(context, "dst") if context["stride_enable"] else default_strides(target, shape, size)
    if function != COPY:
        raise context.not_modelled("a fill with transpose or broadcast")
    to = window(target, "destination", shape, strides, size)
    return partial(copy.fill, to, context["constant_value"], context["localmem_mask"])


def _bind_broadcast(context: Context, source: Place, target: Place, size: int) -> Step:
    n, _, h, w = sizes(context, "src")
    dst = sizes(context, "dst")
    channels = dst[1]
    if not target.is_local or target.offset // LANE_BYTES + channels > LANES:
        raise TpucError(
            f"a broadcast to {channels} lanes from {target.space} byte {target.offset:#x} on leaves local memory"
        )
    if context["localmem_mask"] != (1 << 64) - 1:
        raise context.not_modelled("a broadcast with a lane mask")
    if not context["nchw_copy"] and n * h * w != dst[0] * dst[2] * dst[3]:
        raise context.not_modelled("a broadcast between different sizes")
    shape, dst_shape = (n, channels, h, w), (n, channels, h, w) if context["nchw_copy"] else dst
    src_strides = default_strides(source, (n, 1, h, w), size)
    dst_strides = default_strides(target, dst_shape, size)
    if context["stride_enable"]:
        src_strides, dst_strides = stride_fields(context, "src"), stride_fields(context, "dst")
    src_strides, dst_strides = (*src_strides[:3], 1), (*dst_strides[:3], 1)
    if source.is_local:
        steps = [
            _lane_copy(context, source, target, lane, (n, 1, h, w), (src_strides, dst_strides), size)
            for lane in range(channels)
        ]
        return in_turn(steps)
    from_ = window(source, "source", shape, (src_strides[0], 0, *src_strides[2:]), size)
    return partial(copy.tensor, from_, window(target, "destination", dst_shape, dst_strides, size))


def _lane_copy(
    context: Context, source: Place, target: Place, lane: int, shape: Shape, strides: tuple[Shape, Shape], size: int
) -> Step:
    to = target._replace(offset=target.offset + lane * LANE_BYTES)
    return partial(
        copy.tensor,
        window(source, "source", shape, strides[0], size),
        window(to, "destination", shape, strides[1], size),
    )


@executes("DMA_cw_transpose")
def bind_cw_transpose(context: Context) -> Step:
    """dst[n, w, h, c] = src[n, c, h, w]."""
    if context["fill_constant_en"] or (context.command.form == "DMA_cw_transpose" and context["cmd_special_function"]):
        raise context.not_modelled("a c-w transpose with a constant or a special function")
    size = element_type(context, context["src_data_format"]).size_bytes
    source, target = address_of(context, "src", size), address_of(context, "dst", size)
    n, c, h, w = shape = sizes(context, "src")
    src_strides = default_strides(source, shape, size)
    dst_strides = default_strides(target, (n, w, h if context["nchw_copy"] else context["dst_hsize"], c), size)
    if context["stride_enable"]:
        src_strides, dst_strides = (*stride_fields(context, "src")[:3], 1), (*stride_fields(context, "dst")[:3], 1)
    if touches(source, shape, src_strides, target, (n, w, h, c), dst_strides, size):
        raise TpucError("source and destination of a c-w transpose overlap")
    to = window(target, "destination", shape, permuted(dst_strides, (0, 3, 2, 1)), size, lane_axis=3)
    return partial(copy.tensor, window(source, "source", shape, src_strides, size), to, context["localmem_mask"])


@executes("DMA_general", "sDMA_general")
def bind_general(context: Context) -> Step:
    """A linear move or fill, once or to several lanes."""
    size = element_type(context, context["src_data_format"]).size_bytes
    function, length, mask = context["cmd_special_function"], context["src_cstride"], context["localmem_mask"]
    if function not in (LINEAR_COPY, LINEAR_BROADCAST):
        raise context.not_modelled(f"cmd_special_function {function}")
    target = address_of(context, "dst", size)
    copies = context["dst_csize"] if function == LINEAR_BROADCAST else 1
    if function == LINEAR_BROADCAST and not (target.is_local and 1 <= copies <= LANES - target.offset // LANE_BYTES):
        raise TpucError(f"a broadcast to {copies} lanes leaves local memory")
    offsets = [target.offset + lane * LANE_BYTES for lane in range(copies)]
    _check_range("destination", target, offsets[-1], length * size)
    if context["fill_constant_en"]:
        steps = [
            partial(copy.linear_fill, target.buffer, offset, length, size, context["constant_value"], mask)
            for offset in offsets
        ]
    else:
        source = address_of(context, "src", size)
        _check_range("source", source, source.offset, length * size)
        steps = [
            partial(copy.linear, source.buffer, source.offset, target.buffer, offset, length, size, mask)
            for offset in offsets
        ]
    return in_turn(steps)


def _check_range(side: str, place: Place, offset: int, length: int) -> None:
    if offset + length > place.buffer.size:
        raise TpucError(f"the {side}, {length} bytes at byte {offset:#x}, leaves {place.space} memory")
