"""Random elements, layouts and operands of single commands, for the comparisons with the C model."""

from __future__ import annotations

import numpy as np
from cmodel_harness import LANE_BYTES, LANES, Memory
from random_elements import PERIOD, f32, integers
from tpuc_kernels import elementwise, lanes

I8, F16, F32, I16, I32, BF16 = range(6)
INTEGERS, FLOATS, ALL_KINDS = (I8, I16, I32), (F16, F32, BF16), tuple(range(6))
NAMES = {I8: "i8", F16: "f16", F32: "f32", I16: "i16", I32: "i32", BF16: "bf16"}
SIZE = {I8: 1, F16: 2, F32: 4, I16: 2, I32: 4, BF16: 2}
FLOAT_DTYPES = {F16: np.float16, F32: np.float32, BF16: np.uint16}
ALIGNED, COMPACT, PER_CHANNEL, STRIDED = range(4)  # values of the str fields
LAYOUTS = {ALIGNED: "aligned", COMPACT: "compact", PER_CHANNEL: "channel"}
ALL_LANES = (1 << 64) - 1
AREA_BYTES = 0x2000
"""What the operands of a random command may take of each lane."""


def kind_name(prec: int, is_signed: int = 1) -> str:
    """The kernels' name of an element kind."""
    return NAMES[prec] if is_signed or prec in FLOATS else NAMES[prec].replace("i", "u")


def dtype_of(prec: int, is_signed: int = 1) -> np.dtype:
    """The numpy dtype that holds elements of a prec field; bf16 as uint16."""
    return np.dtype(FLOAT_DTYPES.get(prec) or f"{'i' if is_signed else 'u'}{SIZE[prec]}")


def elements(rng: np.random.Generator, prec: int, count: int) -> np.ndarray:
    """Random elements: of f16 and bf16 a third are any bits, the others rounded from f32."""
    if prec in INTEGERS:
        return integers(rng, (count,), dtype_of(prec))
    wide = f32(rng, (count,))
    if prec == F32:
        return wide
    narrow = elementwise.cast(wide, NAMES[prec]).view(np.uint16)
    chance = float(rng.choice([0, 0, 0.3, 1]))
    return np.where(rng.random(count) < chance, rng.integers(0, 1 << 16, count).astype(np.uint16), narrow).view(
        dtype_of(prec)
    )


def lane_elements(rng: np.random.Generator, prec: int, size: int) -> np.ndarray:
    """uint8 [64, size]: random elements in every lane."""
    return np.resize(elements(rng, prec, PERIOD), (LANES, size // SIZE[prec])).view(np.uint8)


def low_bits(value: int, prec: int, is_signed: int = 1) -> np.ndarray:
    """A constant of an address field as an array of no dimensions."""
    return np.array(value & ((1 << 8 * SIZE[prec]) - 1), f"u{SIZE[prec]}").view(dtype_of(prec, is_signed))


def random_shape(
    rng: np.random.Generator, channels: tuple[int, ...] = (1, 2, 5, 17, 64, 66, 130)
) -> tuple[int, int, int, int]:
    """n, c, h, w of at most a few thousand elements."""
    return int(rng.integers(1, 4)), int(rng.choice(channels)), int(rng.integers(1, 5)), int(rng.integers(1, 12))


def shape_fields(shape: tuple[int, ...], name: str = "res0") -> dict[str, int]:
    return {f"{name}_{axis}": size for axis, size in zip("nchw", shape, strict=True)}


def shape_of(f: dict[str, int], name: str = "res0") -> tuple[int, int, int, int]:
    return tuple(f[f"{name}_{axis}"] for axis in "nchw")


def random_form(rng: np.random.Generator, name: str, f: dict[str, int]) -> str:
    """The short form (all lanes), or the long one with a lane mask."""
    if rng.random() < 0.5:
        f["cmd_short"] = 1
        return "s" + name
    f["tsk_lane_num"] = ALL_LANES if rng.random() < 0.7 else int(rng.integers(0, 1 << 63))
    return name


def random_base(rng: np.random.Generator) -> int:
    """The address of a start lane."""
    return int(rng.choice([0, 0, 0, 1, 5, 63])) * LANE_BYTES


def span_bytes(shape: tuple[int, ...], strides: tuple[int, ...], size: int, lane: int) -> int:
    """What a tensor takes of a lane."""
    slots = (lane + shape[1] - 1) // LANES + 1
    return size * (1 + sum((k - 1) * s for k, s in zip((shape[0], slots, *shape[2:]), strides, strict=True)))


def random_layout(rng: np.random.Generator, name: str, shape: tuple[int, ...], size: int, lane: int) -> dict[str, int]:
    """The str field of an AR operand, and where it says so, strides; operands may stand still along an axis."""
    kinds = [ALIGNED, COMPACT, STRIDED] + ([] if name == "res0" else [PER_CHANNEL])
    while True:
        kind = int(rng.choice(kinds))
        if kind != STRIDED:
            strides = lanes.strides_of(LAYOUTS[kind], shape, size, lane)
        else:
            _, c, h, w = shape
            w_stride = int(rng.integers(1, 3))
            h_stride = w * w_stride + int(rng.integers(0, 4))
            c_stride = h * h_stride + int(rng.integers(0, 4))
            strides = ((lane + c - 1) // LANES + 1) * c_stride + int(rng.integers(0, 4)), c_stride, h_stride, w_stride
            if name != "res0":
                strides = tuple(s if rng.random() < 0.75 else 0 for s in strides)
        if span_bytes(shape, strides, size, lane) < AREA_BYTES:
            break
    fields = {f"{axis}_str": s for axis, s in zip("nchw", strides, strict=True)} if kind == STRIDED else {}
    return {f"{name}_str": kind, **{f"{name}_{key}": value for key, value in fields.items()}}


def layout_of(f: dict[str, int], name: str) -> str | tuple[int, int, int, int]:
    """What lanes.load takes for an AR operand (strides below 2**16)."""
    kind = f.get(name + "_str", 0)
    return LAYOUTS[kind] if kind != STRIDED else tuple(f[f"{name}_{axis}_str"] for axis in "nchw")


def operand(
    memory: Memory,
    f: dict[str, int],
    name: str,
    shape: tuple[int, ...],
    prec: int,
    is_signed: int = 1,
    layout: str | tuple[int, int, int, int] | None = None,
) -> np.ndarray:
    """A tensor, or the constant of the address field."""
    if f.get(name + "_const"):
        return low_bits(f[name + "_addr"], prec, is_signed)
    return lanes.load(
        memory.lmem,
        f[name + "_addr"],
        shape,
        layout_of(f, name) if layout is None else layout,
        dtype_of(prec, is_signed),
    )


def store(
    memory: Memory, f: dict[str, int], array: np.ndarray, layout: str | tuple[int, ...] = "aligned", name: str = "res0"
) -> None:
    """The result, broadcast to the shape of the command, in the lanes of its mask."""
    shape = shape_of(f)
    lanes.store(memory.lmem, f[name + "_addr"], np.broadcast_to(array, shape), layout, f.get("tsk_lane_num", ALL_LANES))
