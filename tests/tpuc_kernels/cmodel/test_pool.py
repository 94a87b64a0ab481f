"""tpuc_kernels.pool against the C model: PorD and sPorD with 8-bit, f32, f16 and bf16 operands."""

from __future__ import annotations

import numpy as np
import pytest
from cmodel_harness import LANE_BYTES, Case, Memory
from random_elements import lane_bytes
from tpuc_kernels import lanes, pool
from windows import command_keywords, random_window

pytestmark = pytest.mark.vendor

I8, F16, F32, I16, I32, BF16 = range(6)
KIND = {F16: "f16", BF16: "bf16"}
DEPTHWISE, AVERAGE, DEPTHWISE_RELU, MAXIMUM = 0, 1, 2, 4
NAMES = {DEPTHWISE: "depthwise", AVERAGE: "average", DEPTHWISE_RELU: "depthwise relu", MAXIMUM: "maximum"}
ALL_LANES = (1 << 64) - 1
INPUT, WEIGHT, BIAS, PAIRS, RESULT = 0, 0x4000, 0x5000, 0x5800, 0x8000
SHIFTS = [0, 0, 1, 3, 6, 8, 10, 15, 20, 31, 32, 40, 63, 64, 70, 127, 128, 255]


def common_fields(rng: np.random.Generator, operation: int, prec: int, result_prec: int) -> tuple[str, dict[str, int]]:
    """The form, and shapes, places, signs; PorD wants all tensors in the same lane."""
    while True:
        w = random_window(rng, 12)
        n, c = (int(rng.choice(v)) for v in ([1, 1, 2], [1, 2, 5, 66]))
        if n * c * max(w.size[0] * w.size[1], w.out[0] * w.out[1]) < 3000:
            break
    base = int(rng.choice([0, 0, 5, 62])) * LANE_BYTES
    f = {"tsk_typ": 1, "tsk_eu_typ": operation, "opd0_prec": prec, "res0_prec": result_prec, "res0_n": n, "res0_c": c,
         "kernel_rotate": int(rng.integers(0, 2)), "opd2_n_str": int(rng.integers(0, 8)), "opd0_addr": base + INPUT,
         "opd1_addr": base + WEIGHT, "opd2_addr": base + BIAS, "opd3_addr": base + PAIRS, "res0_addr": base + RESULT,
         **{f"opd{i}_sign": int(rng.integers(0, 2)) for i in range(3)}, **w.fields()}
    if rng.random() < 0.7:
        return "sPorD", f
    f["tsk_lane_num"] = ALL_LANES if rng.random() < 0.6 else int(rng.integers(0, 2**63))
    return "PorD", f


def make_integer(rng: np.random.Generator, *operations: int) -> Case:
    operation = int(rng.choice(operations))
    form, f = common_fields(rng, operation, I8, int(rng.choice([I8, I16, I32])))
    byte = [int(v) for v in rng.integers(0, 256, 4)]
    if operation == AVERAGE:
        f.update(opd1_const=1, opd1_addr=byte[0], opd2_addr=int(rng.integers(0, 16)))
    elif operation != MAXIMUM:
        if rng.random() < 0.2:
            f.update(opd1_const=1, opd1_addr=byte[0])
        if rng.random() < 0.3:
            f.update(opd2_const=1, opd2_addr=int(rng.integers(0, 2**32)) >> int(rng.integers(0, 32)))
        f["res1_addr"] = int(rng.choice(SHIFTS)) << 8
    if rng.random() < 0.5:
        f.update(opd3_const=1, opd3_addr=byte[1], res1_addr=f.get("res1_addr", 0) | byte[2])
    kinds = [np.int8 if f[f"opd{i}_sign"] else np.uint8 for i in (0, 1)]
    bias = (np.frombuffer(lane_bytes(rng, 0x400, np.int32), np.int32).reshape(64, -1) >> int(rng.integers(0, 28))).view(np.uint8)
    data = [(INPUT, lane_bytes(rng, 0x2000, kinds[0])), (WEIGHT, lane_bytes(rng, 0x400, kinds[1])), (BIAS, bias),
            (PAIRS, lane_bytes(rng, 0x100, kinds[0])), (RESULT, lane_bytes(rng, 0x4000, np.uint8))]
    type_name = {I8: "i8", I16: "i16", I32: "i32"}[f["res0_prec"]]
    return Case(form, f, data, variant=f"{form} {NAMES[operation]} i8 -> {type_name}")


def make_float(rng: np.random.Generator, prec: int, *operations: int) -> Case:
    operation, name = int(rng.choice(operations)), KIND.get(prec, np.float32)
    form, f = common_fields(rng, operation, prec, prec)
    one = [int(v) for v in lane_bytes(rng, 64, name)[0].view(np.uint32 if prec == F32 else np.uint16)[:4]]
    if operation == AVERAGE:
        f.update(opd1_const=1, opd1_addr=one[0], opd2_addr=0)
    elif operation != MAXIMUM:
        if rng.random() < 0.2:
            f.update(opd1_const=1, opd1_addr=one[0])
        if rng.random() < 0.3:
            f.update(opd2_const=1, opd2_addr=one[1])
    if rng.random() < 0.5:
        f.update(opd3_const=1, opd3_addr=one[2], res1_addr=one[3])
    places = ((INPUT, 0x3000), (WEIGHT, 0x400), (BIAS, 0x400), (PAIRS, 0x100), (RESULT, 0x4000))
    return Case(form, f, [(place, lane_bytes(rng, size, name)) for place, size in places],
                variant=f"{form} {NAMES[operation]} {KIND.get(prec, 'f32')}")


def operand(memory: Memory, f: dict[str, int], name: str, shape: tuple[int, int, int, int], dtype: np.dtype | type,
            layout: str = "compact") -> np.ndarray:
    """A tensor, or a constant of the address field."""
    dtype = np.dtype(dtype)
    if f.get(name + "_const"):
        return np.full(shape, f[name + "_addr"] & ((1 << 8 * dtype.itemsize) - 1), f"u{dtype.itemsize}").view(dtype)
    return lanes.load(memory.lmem, f[name + "_addr"], shape, layout, dtype)


def pad_and_insert(memory: Memory, f: dict[str, int], c: int, dtype: np.dtype | type) -> dict[str, np.ndarray]:
    if f.get("opd3_const"):
        size = np.dtype(dtype).itemsize
        pad, insert = (np.full(c, f.get(name, 0) & ((1 << 8 * size) - 1), f"u{size}").view(dtype) for name in ("opd3_addr", "res1_addr"))
    else:
        pairs = operand(memory, f, "opd3", (1, c, 1, 2), dtype)
        pad, insert = pairs[0, :, 0, 0], pairs[0, :, 0, 1]
    return {"pad_value": pad, "insert_value": insert}


def execute(memory: Memory, f: dict[str, int]) -> None:
    n, c, kernel = f["res0_n"], f["res0_c"], (f["opd1_h"], f["opd1_w"])
    is_float, operation = f["opd0_prec"] == F32, f["tsk_eu_typ"]
    kinds = [np.float32 if is_float else np.int8 if f[f"opd{i}_sign"] else np.uint8 for i in (0, 1)]
    x = lanes.load(memory.lmem, f["opd0_addr"], (n, c, f["opd0_h"], f["opd0_w"]), "aligned", kinds[0])
    keywords = {**command_keywords(f), **pad_and_insert(memory, f, c, kinds[0])}
    result = {I8: np.int8, I16: np.int16, I32: np.int32, F32: np.float32}[f["res0_prec"]]
    if operation == MAXIMUM:
        y = pool.maximum(x, kernel, result=result, **keywords)
    elif operation == AVERAGE and is_float:
        y = pool.average_f32(x, kernel, np.array([f["opd1_addr"]], np.uint32).view(np.float32)[0], **keywords)
    elif operation == AVERAGE:
        shift = f["opd2_addr"] - (f["opd2_addr"] >> 31 << 32)
        y = pool.average_int8(x, kernel, f["opd1_addr"] & 255, shift, result=result, **keywords)
    else:
        w = operand(memory, f, "opd1", (1, c, *kernel), kinds[1])[0]
        bias = operand(memory, f, "opd2", (1, c, 1, 1), np.float32 if is_float else np.int32).reshape(-1)
        rotate = bool(f["kernel_rotate"])
        if is_float:
            y = pool.depthwise_f32(x, w, bias, rotate=rotate, **keywords)
        else:
            y = pool.depthwise_int8(x, w, bias, rotate=rotate, shift=f.get("res1_addr", 0) >> 8 & 255, rounding=f["opd2_n_str"],
                                    relu=operation == DEPTHWISE_RELU, result=result,
                                    is_signed=any(f[f"opd{i}_sign"] for i in range(3)), **keywords)
    lanes.store(memory.lmem, f["res0_addr"], y, "aligned", f.get("tsk_lane_num", ALL_LANES))


def execute_half(memory: Memory, f: dict[str, int]) -> None:
    n, c, kernel, operation = f["res0_n"], f["res0_c"], (f["opd1_h"], f["opd1_w"]), f["tsk_eu_typ"]
    kind = KIND[f["opd0_prec"]]
    dtype = np.float16 if kind == "f16" else np.uint16
    x = lanes.load(memory.lmem, f["opd0_addr"], (n, c, f["opd0_h"], f["opd0_w"]), "aligned", dtype)
    keywords = {**command_keywords(f), **pad_and_insert(memory, f, c, dtype)}
    if operation == MAXIMUM:
        y = pool.maximum_half(kind, x, kernel, **keywords)
    elif operation == AVERAGE:
        y = pool.average_half(kind, x, kernel, operand(memory, f, "opd1", (1, 1, 1, 1), dtype), **keywords)
    else:
        w, bias = operand(memory, f, "opd1", (1, c, *kernel), dtype)[0], operand(memory, f, "opd2", (1, c, 1, 1), dtype)
        y = pool.depthwise_half(kind, x, w, bias, rotate=bool(f["kernel_rotate"]), **keywords)
    lanes.store(memory.lmem, f["res0_addr"], y, "aligned", f.get("tsk_lane_num", ALL_LANES))


def fuzz_table() -> dict[str, tuple]:
    """Every operation with every type."""
    table = {}
    for name, operations in (("depthwise", (DEPTHWISE, DEPTHWISE_RELU)), ("average", (AVERAGE,)), ("maximum", (MAXIMUM,))):
        table[f"{name} int8"] = (lambda rng, operations=operations: make_integer(rng, *operations), execute)
        for kind, prec, run in (("f32", F32, execute), ("f16", F16, execute_half), ("bf16", BF16, execute_half)):
            table[f"{name} {kind}"] = (lambda rng, operations=operations, prec=prec: make_float(rng, prec, *operations), run)
    return table


FUZZ = fuzz_table()


@pytest.mark.parametrize("name", FUZZ)
def test_pooling_equals_the_c_model(fuzz, name):
    fuzz(name, cases=1000)
