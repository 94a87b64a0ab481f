"""tpuc_kernels.matmul against the C model: MM, sMM (integers, f32) and MM2, sMM2 (8 bits, f16, bf16)."""

from __future__ import annotations

import numpy as np
import pytest
from cmodel_harness import LANE_BYTES, Case, Memory
from random_elements import f32, lane_bytes
from tpuc_kernels import lanes, matmul

pytestmark = pytest.mark.vendor

I8, F16, F32, I16, I32, BF16 = range(6)
NORMAL, WRQ, WRQRELU, NN, NT, TT = range(1, 7)
NAMES = {NORMAL: "normal", WRQ: "wrq", WRQRELU: "wrqrelu", NN: "nn", NT: "nt", TT: "tt"}
ALL_LANES = (1 << 64) - 1
LEFT, RIGHT, COLUMN, RESULT = 0, 0x4000, 0x1C000, 0x14000


def choose_form(rng: np.random.Generator, name: str, f: dict[str, int]) -> str:
    if rng.random() < 0.7:
        return "s" + name
    f["opd1_prec"] = f["opd0_prec"]
    f["tsk_lane_num"] = ALL_LANES if rng.random() < 0.6 else int(rng.integers(0, 2**63))
    return name


def mm_fields(rng: np.random.Generator, operation: int, prec: int, result_prec: int) -> dict[str, int]:
    """Shapes: a row of the left matrix is cut in pieces of opd0_w, the last one of opd1_w; the right one in pieces of res0_w."""
    while True:
        left_rows, pieces, piece = int(rng.integers(1, 9)), int(rng.choice([1, 2, 5])), int(rng.integers(1, 20))
        c, w = int(rng.choice([1, 2, 3, 17, 66])), int(rng.integers(1, 18))
        size = {I8: 1, I16: 2}.get(prec, 4)
        if piece * pieces * -(-w * size // 64) * -(-(c + 62) // 64) <= 0x8000 // 64:
            break
    base = int(rng.choice([0, 0, 5, 62])) * LANE_BYTES
    return {"tsk_typ": 2, "tsk_eu_typ": operation, "opd0_prec": prec, "res0_prec": result_prec,
            **{f"opd{i}_sign": int(rng.integers(0, 2)) for i in range(3)}, "left_tran": int(rng.integers(0, 2)), "res0_c": c,
            "res0_w": w, "opd0_n": left_rows, "opd0_c": pieces, "opd0_w": piece, "opd1_w": int(rng.integers(1, piece + 1)),
            "opd0_addr": int(rng.choice([0, 7])) * LANE_BYTES + LEFT, "opd1_addr": base + RIGHT, "res0_addr": base + RESULT,
            "opd2_addr": base + COLUMN}


def make_mm_integer(rng: np.random.Generator) -> Case:
    operation = int(rng.choice([NORMAL, NORMAL, WRQ, WRQRELU]))
    prec = int(rng.choice([I8, I16])) if operation == NORMAL else I8
    f = mm_fields(rng, operation, prec, I32 if operation == NORMAL else int(rng.choice([I8, I16])))
    if operation != NORMAL:
        f["opd3_addr"] = int(rng.integers(0, 18)) << 8
        if rng.random() < 0.4:
            f.update(opd2_const=1, opd2_addr=int(rng.integers(0, 1 << 16)))
    if rng.random() < 0.1:
        f.update(opd0_const=1, opd0_addr=int(rng.integers(0, 1 << 16)))
    kinds = [np.dtype(f"{'i' if f[f'opd{i}_sign'] else 'u'}{2 if prec == I16 else 1}") for i in (0, 1)]
    data = [(LEFT, lane_bytes(rng, 0x1000, kinds[0])), (RIGHT, lane_bytes(rng, 0x8000, kinds[1])),
            (COLUMN, lane_bytes(rng, 0x400, np.int16)), (RESULT, lane_bytes(rng, 0x4000, np.uint8))]
    form = choose_form(rng, "MM", f)
    return Case(form, f, data, variant=f"{form} {NAMES[operation]} {'i16' if prec == I16 else 'i8'}")


def make_mm_f32(rng: np.random.Generator) -> Case:
    f = mm_fields(rng, NORMAL, F32, F32)
    f["res_add"] = int(rng.integers(0, 2))
    one = [int(v) for v in f32(rng, (2,)).view(np.uint32)]
    if rng.random() < 0.3:
        f.update(opd2_const=1, opd2_addr=one[0])
    if rng.random() < 0.1:
        f.update(opd0_const=1, opd0_addr=one[1])
    places = ((LEFT, 0x1000), (RIGHT, 0x8000), (COLUMN, 0x400), (RESULT, 0x4000))
    form = choose_form(rng, "MM", f)
    return Case(form, f, [(place, lane_bytes(rng, size, np.float32)) for place, size in places],
                variant=f"{form} f32{' add' if f['res_add'] else ''}")


def make_mm2(rng: np.random.Generator) -> Case:
    operation = int(rng.choice([NN, NT, TT]))
    rows, inner = int(rng.choice([1, 3, 5, 66])), int(rng.choice([1, 4, 31, 33, 70, 130]))
    columns = int(rng.choice([1, 2, 6, 17, 66]))
    right = {NN: (inner, columns), NT: (columns, inner), TT: (rows, inner)}[operation]
    f = {"tsk_typ": 2, "tsk_eu_typ": operation, "opd0_prec": I8, "res0_prec": I32, "res0_c": rows, "res0_w": columns,
         "opd1_c": right[0], "opd1_w": right[1], "opd0_addr": 0, "opd1_addr": 0x2000, "res0_addr": 0x4000, "opd2_addr": 0x6000,
         "opd0_sign": int(rng.integers(0, 2)), "opd1_sign": int(rng.integers(0, 2)), "res_add": int(rng.integers(0, 2))}
    if rng.random() < 0.6:
        f.update(opd2_const=1, opd2_addr=0 if rng.random() < 0.3 else int(rng.integers(0, 256)))
    for name in ("opd0", "opd1"):
        if rng.random() < 0.08:
            f.update({name + "_const": 1, name + "_addr": int(rng.integers(0, 256))})
    form = choose_form(rng, "MM2", f)
    kinds = [np.int8 if f[f"opd{i}_sign"] else np.uint8 for i in (0, 1)]
    data = [(0, lane_bytes(rng, 0x1000, kinds[0])), (0x2000, lane_bytes(rng, 0x1000, kinds[1])),
            (0x4000, lane_bytes(rng, 0x1000, np.int32)), (0x6000, lane_bytes(rng, 0x100, np.uint8))]
    return Case(form, f, data, variant=f"{form} {NAMES[operation]} i8{' add' if f['res_add'] else ''}")


def constant(f: dict[str, int], name: str, shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
    dtype = np.dtype(dtype)
    return np.full(shape, f[name + "_addr"] & ((1 << 8 * dtype.itemsize) - 1), f"u{dtype.itemsize}").view(dtype)


def rows_over_lanes(memory: Memory, address: int, rows: int, c: int, w: int, dtype: np.dtype | type) -> np.ndarray:
    """MM's matrix [rows, c * w]."""
    return lanes.load(memory.lmem, address, (rows, c, 1, w), "aligned", dtype).reshape(rows, c * w)


def execute_mm(memory: Memory, f: dict[str, int]) -> None:
    prec, c, w = f["opd0_prec"], f["res0_c"], f["res0_w"]
    size = {I8: 1, I16: 2}.get(prec, 4)
    kinds = ["f4" if prec == F32 else f"{'i' if f[f'opd{i}_sign'] else 'u'}{size}" for i in (0, 1)]
    shape = (f["opd0_n"], (f["opd0_c"] - 1) * f["opd0_w"] + f["opd1_w"])
    if f.get("opd0_const"):
        left = constant(f, "opd0", shape, kinds[0])
    else:
        left = rows_over_lanes(memory, f["opd0_addr"], f["opd0_n"], f["opd0_c"], f["opd0_w"], kinds[0])[:, : shape[1]]
    left = left.T if f["left_tran"] else left
    rows, inner = left.shape
    right = rows_over_lanes(memory, f["opd1_addr"], inner, c, w, kinds[1])

    def column(dtype: str) -> np.ndarray:
        if f.get("opd2_const"):
            return constant(f, "opd2", (c * w,), dtype)
        return rows_over_lanes(memory, f["opd2_addr"], 1, c, w, dtype)[0]

    if prec == F32:
        old = rows_over_lanes(memory, f["res0_addr"], rows, c, w, "f4") if f["res_add"] else None
        y = matmul.mm_f32(left, right, column("f4"), old)
    elif f["tsk_eu_typ"] == NORMAL:
        y = matmul.mm_int8(left, right)
    else:
        bias = column("i2" if f["opd2_sign"] else "u2")
        y = matmul.mm_int8_requantized(left, right, bias, shift=f["opd3_addr"] >> 8 & 255, relu=f["tsk_eu_typ"] == WRQRELU,
                                       result={I8: np.int8, I16: np.int16}[f["res0_prec"]],
                                       is_signed=any(f[f"opd{i}_sign"] for i in range(3)))
    lanes.store(memory.lmem, f["res0_addr"], y.reshape(rows, c, 1, w), "aligned", f.get("tsk_lane_num", ALL_LANES))


def row_per_lane(memory: Memory, f: dict[str, int], name: str, shape: tuple[int, int], dtype: np.dtype | type) -> np.ndarray:
    """MM2's matrix."""
    if f.get(name + "_const"):
        return constant(f, name, shape, dtype)
    return lanes.load(memory.lmem, f[name + "_addr"], (1, shape[0], 1, shape[1]), "aligned", dtype)[0, :, 0]


def zero_point(memory: Memory, f: dict[str, int], rows: int, columns: int, inner: int) -> np.ndarray:
    """What is subtracted from opd1, in the shape of the product's operand that opd1 is: [m, 1] (tt), [k, n] (nn, nt)."""
    dtype = np.dtype(np.int8 if f["opd1_sign"] else np.uint8)
    if f.get("opd2_const"):
        return constant(f, "opd2", (1, 1), dtype)
    if f["tsk_eu_typ"] == TT:
        return lanes.load(memory.lmem, f["opd2_addr"], (1, rows, 1, 1), "compact", dtype).reshape(rows, 1)
    table = lanes.load(memory.lmem, f["opd2_addr"], (1, 64, 1, columns), (0, 0, 0, 1), dtype)[0, :, 0]
    if f["tsk_eu_typ"] == NN:
        return table[np.arange(inner) % 64]
    return table[np.arange(columns) % 64, np.arange(columns)][None, :]


def execute_mm2(memory: Memory, f: dict[str, int]) -> None:
    kinds = [np.int8 if f[f"opd{i}_sign"] else np.uint8 for i in (0, 1)]
    operation, rows, columns = f["tsk_eu_typ"], f["res0_c"], f["res0_w"]
    inner = f["opd1_c"] if operation == NN else f["opd1_w"]
    first = row_per_lane(memory, f, "opd0", (inner, columns) if operation == TT else (rows, inner), kinds[0])
    second = row_per_lane(memory, f, "opd1", (f["opd1_c"], f["opd1_w"]), kinds[1])
    zero = zero_point(memory, f, rows, columns, inner)
    shape = (1, rows, 1, columns)
    old = lanes.load(memory.lmem, f["res0_addr"], shape, "aligned", np.int32)[0, :, 0] if f["res_add"] else None
    if operation == TT:
        y = matmul.mm2_int8(second, first, left_zero_point=zero, old=old)
    else:
        y = matmul.mm2_int8(first, second.T if operation == NT else second, right_zero_point=zero, old=old)
    lanes.store(memory.lmem, f["res0_addr"], y.reshape(shape), "aligned", f.get("tsk_lane_num", ALL_LANES))


def make_mm2_halves(rng: np.random.Generator, prec: int) -> Case:
    case = make_mm2(rng)
    f, name = case.fields, {F16: "f16", BF16: "bf16"}[prec]
    f.update(opd0_prec=prec, res0_prec=prec if rng.random() < 0.6 else F32, opd2_const=1, opd2_addr=0)
    f["res_add"] &= int(f["res0_prec"] == F32)
    if "opd1_prec" in f:
        f["opd1_prec"] = prec
    for operand in ("opd0", "opd1"):
        if f.get(operand + "_const"):
            f[operand + "_addr"] = int(rng.integers(0, 1 << 16))
    data = [(0, lane_bytes(rng, 0x1000, name)), (0x2000, lane_bytes(rng, 0x1000, name)), (0x4000, lane_bytes(rng, 0x1000, np.float32))]
    result = "f32" if f["res0_prec"] == F32 else name
    return Case(case.form, f, data, variant=f"{case.form} {NAMES[f['tsk_eu_typ']]} {name} -> {result}{' add' if f['res_add'] else ''}")


def execute_mm2_halves(memory: Memory, f: dict[str, int]) -> None:
    operation, rows, columns = f["tsk_eu_typ"], f["res0_c"], f["res0_w"]
    dtype, multiply = {F16: (np.float16, matmul.mm2_f16), BF16: (np.uint16, matmul.mm2_bf16)}[f["opd0_prec"]]
    inner = f["opd1_c"] if operation == NN else f["opd1_w"]
    first = row_per_lane(memory, f, "opd0", (inner, columns) if operation == TT else (rows, inner), dtype)
    second = row_per_lane(memory, f, "opd1", (f["opd1_c"], f["opd1_w"]), dtype)
    left, right = (second, first) if operation == TT else (first, second.T if operation == NT else second)
    shape = (1, rows, 1, columns)
    old = lanes.load(memory.lmem, f["res0_addr"], shape, "aligned", np.float32)[0, :, 0] if f["res_add"] else None
    y = multiply(left, right, old=old, result={F32: "f32", F16: "f16", BF16: "bf16"}[f["res0_prec"]])
    lanes.store(memory.lmem, f["res0_addr"], y.reshape(shape), "aligned", f.get("tsk_lane_num", ALL_LANES))


FUZZ = {"mm integer": (make_mm_integer, execute_mm), "mm f32": (make_mm_f32, execute_mm), "mm2 int8": (make_mm2, execute_mm2),
        **{name: (lambda rng, prec=prec: make_mm2_halves(rng, prec), execute_mm2_halves)
           for name, prec in (("mm2 f16", F16), ("mm2 bf16", BF16))}}


@pytest.mark.parametrize("name", FUZZ)
def test_matrix_multiply_equals_the_c_model(fuzz, name):
    fuzz(name, cases=1000)
