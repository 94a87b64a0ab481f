"""tpuc_kernels.copy against the C model: all DMA moves of bits between local and global memory."""

from __future__ import annotations

import numpy as np
import pytest
from cmodel_harness import GDMA, LANE_BYTES, LANES, Case, Memory
from commands import ALL_LANES, I8, SIZE, lane_elements
from tpuc_kernels import copy, lanes

pytestmark = pytest.mark.vendor

LOCAL_BASE, GLOBAL_BASE = 0x800_0000, 0x1_0000_0000
COPY, NC_TRANSPOSE, CW_COLLECT, BROADCAST, CW_DISTRIBUTE = range(5)
NAME = ["copy", "nc transpose", "cw collect", "broadcast", "cw distribute"]
LOCAL_PLACE, GLOBAL_PLACE = {"src": 0x4000, "dst": 0x20000}, {"src": 0x10000, "dst": 0x100000}
LOCAL_AREA, GLOBAL_AREA = 0x8000, 0x80000
Shape = tuple[int, int, int, int]


# ---- places: an address is a memory and a byte in it


def place(memory: Memory, address: int) -> tuple[np.ndarray, int, bool]:
    """The buffer, the byte in it, whether it is local memory."""
    if address >= GLOBAL_BASE:
        return memory.ddr, address - GLOBAL_BASE, False
    return memory.lmem, address - LOCAL_BASE, True


def default_strides(address: int, shape: Shape, size: int) -> Shape:
    """Without stride_enable: aligned in local memory, compact elsewhere."""
    if address >= GLOBAL_BASE:
        return shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1
    return lanes.aligned_strides(shape, size, (address - LOCAL_BASE) // LANE_BYTES)


def tensor_place(
    memory: Memory, address: int, shape: Shape, strides: Shape, size: int, order: Shape = (0, 1, 2, 3)
) -> copy.Place:
    """A tensor, its axes in another order where wanted: order[k] is the axis that is walked as axis k."""
    buffer, offset, is_local = place(memory, address)
    return copy.Place(
        buffer, offset, [shape[k] for k in order], [strides[k] for k in order], size, order.index(1) if is_local else -1
    )


def mask_of(f: dict[str, int]) -> int:
    return f["localmem_mask"] & ALL_LANES


# ---- DMA_tensor, DMA_cw_transpose


def sizes(f: dict[str, int], side: str, what: str = "size") -> Shape:
    return tuple(f.get(f"{side}_{axis}{what}", 0) for axis in "nchw")


def execute_tensor(memory: Memory, f: dict[str, int]) -> None:
    function = CW_COLLECT if f["cmd_type"] == 4 else f["cmd_special_function"]
    size, src, dst = SIZE[f["src_data_format"]], f["src_start_addr"], f["dst_start_addr"]
    shape = sizes(f, "src")
    n, c, h, w = shape
    out = shape if f.get("nchw_copy") else sizes(f, "dst")
    order = (0, 1, 2, 3)
    if function == NC_TRANSPOSE:
        out, order = (c, n, h, w), (1, 0, 2, 3)
    elif function in (CW_COLLECT, CW_DISTRIBUTE):
        out, order = (n, w, h, c), (0, 3, 2, 1)
    elif function == BROADCAST:
        out = n, f["dst_csize"], h, w
    if f.get("stride_enable"):
        src_strides, dst_strides = sizes(f, "src", "stride"), sizes(f, "dst", "stride")
        if function != COPY:
            src_strides, dst_strides = (*src_strides[:3], 1), (*dst_strides[:3], 1)
    else:
        src_strides, dst_strides = default_strides(src, shape, size), default_strides(dst, out, size)
    to = tensor_place(memory, dst, out, dst_strides, size, order)
    if f.get("fill_constant_en"):
        copy.fill(tensor_place(memory, dst, out, dst_strides, size), f["constant_value"], mask_of(f))
    elif function == BROADCAST:
        buffer, offset, _ = place(memory, src)
        still = (src_strides[0], 0, src_strides[2], 1)
        copy.tensor(copy.Place(buffer, offset, out, still, size, -1), to)
    else:
        copy.tensor(tensor_place(memory, src, shape, src_strides, size), to, mask_of(f))


def random_address(rng: np.random.Generator, side: str, size: int, is_local: bool, lane: int | None = None) -> int:
    if not is_local:
        return GLOBAL_BASE + GLOBAL_PLACE[side] + size * int(rng.integers(0, 64))
    lane = int(rng.choice([0, 0, 1, 37, 62, 63])) if lane is None else lane
    return LOCAL_BASE + lane * LANE_BYTES + LOCAL_PLACE[side] + size * int(rng.integers(0, 64))


def random_strides(rng: np.random.Generator, address: int, shape: Shape) -> Shape:
    """Strides with gaps; elements never share bytes."""
    _, c, h, w = shape
    gaps = rng.integers(0, 4, 3) * (rng.random() < 0.7)
    w_stride = int(rng.choice([1, 1, 1, 2, 3]))
    h_stride = w * w_stride + int(gaps[0])
    c_stride = h * h_stride + int(gaps[1])
    slots = c if address >= GLOBAL_BASE else ((address - LOCAL_BASE) // LANE_BYTES + c - 1) // LANES + 1
    return slots * c_stride + int(gaps[2]), c_stride, h_stride, w_stride


def split(rng: np.random.Generator, count: int) -> Shape:
    """A random shape of so many elements."""
    shape, factor = [1, 1, 1, 1], 2
    while count > 1:
        while count % factor:
            factor += 1
        shape[int(rng.integers(0, 4))] *= factor
        count //= factor
    return tuple(shape)


def background(rng: np.random.Generator) -> dict:
    """Random bytes where sources and destinations lie."""
    data = {"lanes": [(offset, lane_elements(rng, I8, LOCAL_AREA)) for offset in LOCAL_PLACE.values()]}
    return {
        **data,
        "ddr": [(offset, rng.integers(0, 256, GLOBAL_AREA, dtype=np.uint8)) for offset in GLOBAL_PLACE.values()],
    }


def random_mask(rng: np.random.Generator) -> int:
    return ALL_LANES if rng.random() < 0.6 else int.from_bytes(rng.bytes(8), "little")


def make_tensor(rng: np.random.Generator, function: int, *, fills: bool = False, form: str = "DMA_tensor") -> Case:
    prec = int(rng.integers(0, 6))
    size = SIZE[prec]
    shape = (
        int(rng.integers(1, 4)),
        int(rng.choice([1, 2, 5, 63, 64, 65, 130])),
        int(rng.integers(1, 3)),
        int(rng.integers(1, 8)),
    )
    if function == NC_TRANSPOSE and rng.random() < 0.5:
        shape = (shape[1], shape[0], *shape[2:])
    n, c, h, w = shape
    same = int(rng.integers(0, 2))
    out = {
        NC_TRANSPOSE: (c, n, h, w),
        CW_COLLECT: (n, w, h, c),
        CW_DISTRIBUTE: (n, w, h, c),
        BROADCAST: (n, int(rng.choice([1, 2, 30, 64])), h, w),
    }.get(function, shape if same else split(rng, n * c * h * w))
    is_local = rng.integers(0, 2, 2).astype(bool)
    if function in (CW_COLLECT, CW_DISTRIBUTE) and is_local.all():
        is_local[0] = False
    lane = int(rng.integers(0, 65 - out[1])) if function == BROADCAST else None
    src, dst = (
        random_address(rng, "src", size, is_local[0]),
        random_address(rng, "dst", size, is_local[1] or function == BROADCAST, lane),
    )
    f = {
        "cmd_type": 4 if form == "DMA_cw_transpose" else 0,
        "cmd_special_function": 0 if form == "DMA_cw_transpose" else function,
        "src_data_format": prec,
        "nchw_copy": same,
        "stride_enable": int(rng.random() < 0.7),
        "src_start_addr": src,
        "dst_start_addr": dst,
        "fill_constant_en": int(fills),
        "constant_value": int(rng.integers(0, 1 << 32)),
        "localmem_mask": ALL_LANES if function == BROADCAST else random_mask(rng),
    }
    if (
        function == COPY and not fills and is_local[0] == is_local[1] and rng.random() < 0.3
    ):  # onto itself: a later read sees what was written
        f["dst_start_addr"] = src + size * int(rng.integers(-6, 7))
    source_shape = (n, 1, h, w) if function == BROADCAST else shape
    for side, address, sides in (("src", src, source_shape), ("dst", dst, out)):
        strides = list(random_strides(rng, address, sides))
        if function != COPY:
            strides[3] = 1
        if side == "src" and rng.random() < 0.1:
            strides[int(rng.integers(0, 3))] = 0
        f.update({f"{side}_{axis}stride": value for axis, value in zip("nchw", strides, strict=True)})
        f.update({f"{side}_{axis}size": value for axis, value in zip("nchw", sides, strict=True)})
    if function == NC_TRANSPOSE:
        f.update(dst_hsize=h, dst_wsize=w)
    where = ["local" if a < GLOBAL_BASE else "global" for a in (src, f["dst_start_addr"])]
    name = NAME[function] if form == "DMA_tensor" else "cw transpose"
    return Case(
        form, f, **background(rng), engine=GDMA, variant=f"{name}: {'constant' if fills else where[0]} -> {where[1]}"
    )


# ---- DMA_matrix


def make_matrix(rng: np.random.Generator) -> Case:
    prec, is_transposed, to_local = int(rng.integers(0, 6)), int(rng.integers(0, 2)), bool(rng.integers(0, 2))
    size = SIZE[prec]
    rows, columns = int(rng.choice([1, 2, 5, 17, 70])), int(rng.choice([1, 3, 16, 65, 200]))
    local_rows, local_columns = (columns, rows) if is_transposed else (rows, columns)
    width = int(rng.choice([1, 2, 3, 16, 64, 100]))
    if local_rows > 20 and local_columns > 64 * width:
        width = 8
    sections = -(-local_columns // width)
    local, outside = (
        random_address(rng, side, size, side == ("dst" if to_local else "src"))
        for side in (("dst", "src") if to_local else ("src", "dst"))
    )
    lane = (local - LOCAL_BASE) // LANE_BYTES
    c_stride = width + int(rng.integers(0, 5))
    slots = (lane + sections - 1) // LANES + 1
    own_strides = int(rng.random() < 0.7 or slots * local_rows * (width * size + 64) > LOCAL_AREA)
    f = {
        "cmd_type": 1,
        "cmd_special_function": is_transposed,
        "src_data_format": prec,
        "stride_enable": own_strides,
        "src_start_addr": outside if to_local else local,
        "dst_start_addr": local if to_local else outside,
        "localmem_mask": random_mask(rng),
    }
    inner = {
        "nsize": local_rows,
        "csize": sections,
        "wsize": width,
        "nstride": slots * c_stride + int(rng.integers(0, 5)),
        "cstride": c_stride,
    }
    outer = {"hsize": rows, "wsize": columns, "hstride": columns + int(rng.integers(0, 5))}
    form = "DMA_matrix"
    if rng.random() < 0.5:
        form, f["cmd_short"] = "sDMA_matrix", 1
        f.update({f"local_{k}": v for k, v in inner.items()} | {f"outside_{k}": v for k, v in outer.items()})
    else:
        sides = ("dst", "src") if to_local else ("src", "dst")
        f.update({f"{sides[0]}_{k}": v for k, v in inner.items()} | {f"{sides[1]}_{k}": v for k, v in outer.items()})
    return Case(
        form,
        f,
        **background(rng),
        engine=GDMA,
        variant=f"{form}{' transposed' if is_transposed else ''} {'to' if to_local else 'from'} local",
    )


def execute_matrix(memory: Memory, f: dict[str, int]) -> None:
    size, to_local = SIZE[f["src_data_format"]], f["src_start_addr"] >= GLOBAL_BASE
    inner, outer = ("local", "outside") if "local_nsize" in f else ("dst", "src") if to_local else ("src", "dst")
    rows, columns, width, sections = f[f"{outer}_hsize"], f[f"{outer}_wsize"], f[f"{inner}_wsize"], f[f"{inner}_csize"]
    local, outside = (
        (f["dst_start_addr"], f["src_start_addr"]) if to_local else (f["src_start_addr"], f["dst_start_addr"])
    )
    lane = (local - LOCAL_BASE) // LANE_BYTES
    if f["stride_enable"]:
        n_stride, c_stride, pitch = f[f"{inner}_nstride"], f[f"{inner}_cstride"], f[f"{outer}_hstride"]
    else:
        n_stride, c_stride, _, _ = lanes.aligned_strides((rows, sections, 1, width), size, lane)
        pitch = columns
    local_rows, local_columns = (columns, rows) if f["cmd_special_function"] else (rows, columns)
    row_step, column_step = (1, pitch) if f["cmd_special_function"] else (pitch, 1)
    ddr, start, _ = place(memory, outside)
    for first, count, w in ((0, local_columns // width, width), (local_columns // width, 1, local_columns % width)):
        if count == 0 or w == 0:
            continue
        shape = (local_rows, count, 1, w)
        slot = (lane + first) // LANES
        there = (local - LOCAL_BASE) % LANE_BYTES + slot * c_stride * size + (lane + first) % LANES * LANE_BYTES
        inside = copy.Place(memory.lmem, there, shape, (n_stride, c_stride, 0, 1), size)
        flat = copy.Place(
            ddr,
            start + first * width * column_step * size,
            shape,
            (row_step, width * column_step, 0, column_step),
            size,
            -1,
        )
        copy.tensor(*((flat, inside) if to_local else (inside, flat)), mask_of(f))


# ---- DMA_general


def make_general(rng: np.random.Generator) -> Case:
    prec, is_broadcast, fills = int(rng.integers(0, 6)), int(rng.integers(0, 2)), int(rng.random() < 0.25)
    size, is_local = SIZE[prec], rng.integers(0, 2, 2).astype(bool)
    is_local[1] |= bool(is_broadcast)
    times = int(rng.choice([1, 2, 5, 64])) if is_broadcast else 1
    lane = int(rng.integers(0, 65 - times)) if is_broadcast else None
    src, dst = random_address(rng, "src", size, is_local[0]), random_address(rng, "dst", size, is_local[1], lane)
    if is_local[0] == is_local[1] and not fills and not is_broadcast and rng.random() < 0.3:
        dst = src + size * int(rng.integers(-40, 41))
    if is_local[1] and not is_broadcast and rng.random() < 0.2:  # over the end of a lane
        dst = LOCAL_BASE + int(rng.integers(1, 62)) * LANE_BYTES - 16
    form = str(rng.choice(["DMA_general", "sDMA_general"]))
    f = {
        "cmd_type": 3,
        "cmd_short": int(form[0] == "s"),
        "cmd_special_function": is_broadcast,
        "src_data_format": prec,
        "fill_constant_en": fills,
        "constant_value": int(rng.integers(0, 1 << 32)),
        "dst_csize": times,
        "src_cstride": int(rng.choice([1, 2, 7, 33, 200, 1000])),
        "src_start_addr": src,
        "dst_start_addr": dst,
        "localmem_mask": random_mask(rng),
    }
    return Case(
        form,
        f,
        **background(rng),
        engine=GDMA,
        variant=f"{form} {'broadcast' if is_broadcast else 'copy'}{' constant' if fills else ''}",
    )


def execute_general(memory: Memory, f: dict[str, int]) -> None:
    size, count = SIZE[f["src_data_format"]], f["src_cstride"]
    to, offset, _ = place(memory, f["dst_start_addr"])
    for k in range(f["dst_csize"] if f["cmd_special_function"] else 1):
        there = offset + k * LANE_BYTES
        if f["fill_constant_en"]:
            copy.linear_fill(to, there, count, size, f["constant_value"], mask_of(f))
        else:
            from_, start, _ = place(memory, f["src_start_addr"])
            copy.linear(from_, start, to, there, count, size, mask_of(f))


FUZZ = {
    f"tensor {NAME[function]}": (lambda rng, function=function: make_tensor(rng, function), execute_tensor)
    for function in range(5)
}
FUZZ["tensor constant"] = (lambda rng: make_tensor(rng, COPY, fills=True), execute_tensor)
FUZZ["cw transpose"] = (lambda rng: make_tensor(rng, CW_COLLECT, form="DMA_cw_transpose"), execute_tensor)
FUZZ["matrix"] = (make_matrix, execute_matrix)
FUZZ["general"] = (make_general, execute_general)


@pytest.mark.parametrize("name", FUZZ)
def test_copies_equal_the_c_model(fuzz, name):
    fuzz(name, cases=1000)
