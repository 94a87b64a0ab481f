"""tpuc_kernels.conv against the C model: CONV and sCONV with integer, f32, f16 and bf16 operands."""

from __future__ import annotations

import numpy as np
import pytest
from cmodel_harness import LANE_BYTES, Case, Memory
from random_elements import f32, lane_bytes
from tpuc_kernels import conv, lanes
from windows import command_keywords, random_window

pytestmark = pytest.mark.vendor

I8, F16, F32, I16, I32, BF16 = range(6)
NORMAL, WRQ, WRQRELU = 0, 1, 2
ALIGNED, COMPACT, STRIDED = 0, 1, 3
ALL_LANES = (1 << 64) - 1
INPUT, WEIGHT, PER_CHANNEL, PAIRS, RESULT = 0, 0x8000, 0x18000, 0x19000, 0x20000
LARGEST_WORK = 300_000


def place_input(rng: np.random.Generator, f: dict[str, int], lane: int) -> None:
    kind = int(rng.choice([ALIGNED, ALIGNED, COMPACT, STRIDED]))
    offset = int(rng.integers(0, 3)) * 64
    f.update(opd0_str=kind, opd0_addr=lane * LANE_BYTES + INPUT + offset)
    if kind == STRIDED:
        column = int(rng.integers(1, 3))
        f.update(opd0_n_str=int(rng.integers(0, 2000)), opd0_c_str=int(rng.integers(0, 600)), opd0_w_str=column,
                 opd0_h_str=f["opd0_w"] * column + int(rng.integers(0, 9)))


def common_fields(rng: np.random.Generator, channels: list[int], outputs: list[int]) -> dict[str, int]:
    """Shapes, places, layout of the input, and what the long form has beyond the short one."""
    while True:
        w = random_window(rng, 9)
        n, ic, oc = (int(rng.choice(v)) for v in ([1, 1, 2, 3], channels, outputs))
        work = n * ic * oc * w.out[0] * w.out[1] * w.kernel[0] * w.kernel[1]
        if work < LARGEST_WORK and w.out[0] * w.out[1] < 500 and w.size[0] * w.size[1] * n < 1000:
            break
    lane, out_lane = (int(rng.choice([0, 0, 5, 62])) for _ in range(2))
    base = out_lane * LANE_BYTES
    f = {"tsk_typ": 0, "res0_n": n, "res0_c": oc, "opd0_c": ic, "kernel_rotate": int(rng.integers(0, 2)),
         "res_add": int(rng.integers(0, 2)), "opd1_addr": base + WEIGHT, "opd2_addr": base + PER_CHANNEL,
         "opd3_addr": lane * LANE_BYTES + PAIRS, "res0_addr": base + RESULT + 64 * int(rng.integers(0, 3)), **w.fields()}
    place_input(rng, f, lane)
    return f


def choose_form(rng: np.random.Generator, f: dict[str, int]) -> str:
    if rng.random() < 0.7:
        return "sCONV"
    f["tsk_lane_num"] = ALL_LANES if rng.random() < 0.6 else int(rng.integers(0, 2**63))
    f.update(opd0_n=f["res0_n"], opd1_n=f["res0_c"], opd1_c=f["opd0_c"], relu=int(rng.integers(0, 2)))
    return "CONV"


def make_integer(rng: np.random.Generator, operation: int, prec: int) -> Case:
    f = common_fields(rng, [1, 2, 3, 17, 64, 65, 70], [1, 3, 6, 8, 17, 66])
    s0, s1, s2 = (int(v) for v in rng.integers(0, 2, 3))
    f.update(tsk_eu_typ=operation, opd0_prec=I8, res0_prec=prec, opd0_sign=s0, opd1_sign=s1, opd2_sign=s2)
    if rng.random() < 0.1:
        f.update(opd1_const=1, opd1_addr=int(rng.integers(0, 256)))
    if operation == NORMAL:
        if rng.random() < 0.6:
            f.update(opd2_const=1, opd2_addr=0 if rng.random() < 0.6 else int(rng.integers(0, 256)))
        if rng.random() < 0.6:
            f.update(opd3_const=1, opd3_addr=int(rng.integers(0, 256)), res1_addr=int(rng.integers(0, 256)))
    else:
        if rng.random() < 0.5:
            f.update(opd2_const=1, opd2_addr=int(rng.integers(0, 1 << 16)))
        f.update(opd3_addr=int(rng.integers(0, 18)) if rng.random() < 0.8 else int(rng.integers(0, 70)))
    kinds = [np.int8 if s else np.uint8 for s in (s0, s1, s2)]
    data = [(INPUT, lane_bytes(rng, 0x3000, kinds[0])), (WEIGHT, lane_bytes(rng, 0x2000, kinds[1])),
            (PER_CHANNEL, lane_bytes(rng, 64, kinds[2])), (PAIRS, lane_bytes(rng, 64, kinds[0])),
            (RESULT, lane_bytes(rng, 0x2000, np.int32))]
    form = choose_form(rng, f)
    type_name = {I8: "i8", I16: "i16", I32: "i32"}[prec]
    return Case(form, f, data, variant=f"{form} {['normal', 'wrq', 'wrqrelu'][operation]} i8 -> {type_name}")


def make_int8(rng: np.random.Generator) -> Case:
    return make_integer(rng, NORMAL, int(rng.choice([I8, I16, I32, I32])))


def make_requantized(rng: np.random.Generator) -> Case:
    return make_integer(rng, int(rng.choice([WRQ, WRQRELU])), int(rng.choice([I8, I16, I32])))


def per_channel(memory: Memory, f: dict[str, int], name: str, count: int, dtype: np.dtype) -> np.ndarray:
    """A constant of the address field, or one value for each channel."""
    dtype = np.dtype(dtype)
    if f.get(name + "_const"):
        return np.full(count, f[name + "_addr"] & ((1 << 8 * dtype.itemsize) - 1), f"u{dtype.itemsize}").view(dtype)
    return lanes.load(memory.lmem, f[name + "_addr"], (1, count, 1, 1), "compact", dtype).reshape(-1)


def pad_and_insert(memory: Memory, f: dict[str, int], dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    dtype, ic = np.dtype(dtype), f["opd0_c"]
    if f.get("opd3_const"):
        mask = (1 << 8 * dtype.itemsize) - 1
        return tuple(np.full(ic, f.get(name, 0) & mask, f"u{dtype.itemsize}").view(dtype) for name in ("opd3_addr", "res1_addr"))
    pairs = lanes.load(memory.lmem, f["opd3_addr"], (1, ic, 1, 2), "compact", dtype)
    return pairs[0, :, 0, 0], pairs[0, :, 0, 1]


def load_input(memory: Memory, f: dict[str, int], dtype: np.dtype) -> np.ndarray:
    layout = {ALIGNED: "aligned", COMPACT: "compact"}.get(f["opd0_str"])
    layout = layout or tuple(f[f"opd0_{axis}_str"] for axis in "nchw")
    return lanes.load(memory.lmem, f["opd0_addr"], (f["res0_n"], f["opd0_c"], f["opd0_h"], f["opd0_w"]), layout, dtype)


def load_weights(memory: Memory, f: dict[str, int], dtype: np.dtype, group: int) -> np.ndarray:
    """[oc, ic, kh, kw]; in a lane: groups of `group` input channels, kernel rows and columns, the channels of the group."""
    oc, ic, kh, kw = f["res0_c"], f["opd0_c"], f["opd1_h"], f["opd1_w"]
    if f.get("opd1_const"):
        values = np.full((oc, ic, kh, kw), f["opd1_addr"] & ((1 << 8 * np.dtype(dtype).itemsize) - 1), f"u{np.dtype(dtype).itemsize}")
        return values.view(dtype)
    groups = -(-ic // group)
    flat = lanes.load(memory.lmem, f["opd1_addr"], (1, oc, 1, groups * kh * kw * group), "compact", dtype)
    return flat.reshape(oc, groups, kh, kw, group).transpose(0, 1, 4, 2, 3).reshape(oc, groups * group, kh, kw)[:, :ic]


def result_place(f: dict[str, int]) -> tuple[int, tuple[int, int, int, int]]:
    return f["res0_addr"], (f["res0_n"], f["res0_c"], f["res0_h"], f["res0_w"])


def execute_integer(memory: Memory, f: dict[str, int]) -> None:
    signed = [f["opd0_sign"], f["opd1_sign"], f["opd2_sign"]]
    kinds = [np.int8 if s else np.uint8 for s in signed]
    x, w = load_input(memory, f, kinds[0]), load_weights(memory, f, kinds[1], 64)
    address, shape = result_place(f)
    result = {I8: "int8", I16: "int16", I32: "int32"}[f["res0_prec"]]
    old = lanes.load(memory.lmem, address, shape, "aligned", np.int32) if f["res_add"] and f["res0_prec"] == I32 else None
    keywords = {**command_keywords(f), "old": old, "result": result, "rotate": bool(f["kernel_rotate"])}
    if f["tsk_eu_typ"] == NORMAL:
        zero_point = per_channel(memory, f, "opd2", shape[1], kinds[2])
        pad, insert = pad_and_insert(memory, f, kinds[0])
        is_signed = any(signed) or f["opd2_addr"] != 0 or not f.get("opd2_const")
        y = conv.conv_int8(x, w, kernel_zero_point=zero_point, pad_value=pad, insert_value=insert, is_signed=is_signed, **keywords)
    else:
        bias = per_channel(memory, f, "opd2", shape[1], np.int16 if signed[2] else np.uint16)
        y = conv.conv_int8_requantized(x, w, bias, shift=f["opd3_addr"], relu=f["tsk_eu_typ"] == WRQRELU, is_signed=any(signed), **keywords)
    lanes.store(memory.lmem, address, y, "aligned", f.get("tsk_lane_num", ALL_LANES))


def make_float(rng: np.random.Generator, prec: int) -> Case:
    f = common_fields(rng, [1, 2, 3, 5, 17, 33, 65], [1, 2, 5, 6, 13, 66])
    name, size = {F32: (np.float32, 4), F16: ("f16", 2), BF16: ("bf16", 2)}[prec]
    result = prec if prec == F32 or rng.random() < 0.6 else F32
    f.update(tsk_eu_typ=NORMAL, opd0_prec=prec, res0_prec=result, opd0_sign=1)
    one = [int(v) for v in f32(rng, (4,)).view(np.uint32)]
    narrow = [int(v) for v in np.frombuffer(lane_bytes(rng, 64, name), f"u{size}")[:3]]
    if rng.random() < 0.1:
        f.update(opd1_const=1, opd1_addr=narrow[0])
    if rng.random() < 0.3:
        f.update(opd2_const=1, opd2_addr=one[1] if rng.random() < 0.5 else 0)
    if rng.random() < 0.6:
        f.update(opd3_const=1, opd3_addr=narrow[1] if rng.random() < 0.5 else 0, res1_addr=narrow[2] if rng.random() < 0.5 else 0)
    data = [(INPUT, lane_bytes(rng, 0x2000, name)), (WEIGHT, lane_bytes(rng, 0x1000, name)), (PAIRS, lane_bytes(rng, 64, name)),
            (PER_CHANNEL, lane_bytes(rng, 64, np.float32)), (RESULT, lane_bytes(rng, 0x1000, np.float32))]
    form = choose_form(rng, f)
    names = {F32: "f32", F16: "f16", BF16: "bf16"}
    return Case(form, f, data, variant=f"{form} {names[prec]} -> {names[result]}{' add' if f['res_add'] else ''}")


def execute_float(memory: Memory, f: dict[str, int]) -> None:
    prec = f["opd0_prec"]
    dtype, group, convolve = {F32: (np.float32, 1, conv.conv_f32), F16: (np.float16, 32, conv.conv_f16),
                              BF16: (np.uint16, 32, conv.conv_bf16)}[prec]
    address, shape = result_place(f)
    pad, insert = pad_and_insert(memory, f, dtype)
    old = lanes.load(memory.lmem, address, shape, "aligned", np.float32) if f["res_add"] else None
    kind = {} if prec == F32 else {"result": {F32: "f32", F16: "f16", BF16: "bf16"}[f["res0_prec"]]}
    y = convolve(load_input(memory, f, dtype), load_weights(memory, f, dtype, group),
                 per_channel(memory, f, "opd2", shape[1], np.float32), old, pad_value=pad, insert_value=insert,
                 rotate=bool(f["kernel_rotate"]), **kind, **command_keywords(f))
    lanes.store(memory.lmem, address, y, "aligned", f.get("tsk_lane_num", ALL_LANES))


FUZZ = {"int8": (make_int8, execute_integer), "requantized": (make_requantized, execute_integer),
        **{name: (lambda rng, prec=prec: make_float(rng, prec), execute_float)
           for name, prec in (("f32", F32), ("f16", F16), ("bf16", BF16))}}


@pytest.mark.parametrize("name", FUZZ)
def test_convolution_equals_the_c_model(fuzz, name):
    fuzz(name, cases=1000)
