"""tpuc_kernels.elementwise against the C model: every operation of AR and sAR, and of VC and sVC."""

from __future__ import annotations

import numpy as np
import pytest
from cmodel_harness import LANE_BYTES, LANES, Case, Memory
from commands import (
    ALL_KINDS,
    AREA_BYTES,
    BF16,
    F16,
    F32,
    FLOATS,
    I8,
    I16,
    I32,
    INTEGERS,
    NAMES,
    SIZE,
    dtype_of,
    elements,
    kind_name,
    lane_elements,
    layout_of,
    low_bits,
    operand,
    random_base,
    random_form,
    random_layout,
    random_shape,
    shape_fields,
    shape_of,
    store,
)
from tpuc_kernels import elementwise, lanes

pytestmark = pytest.mark.vendor

BINARY = {
    0: "mul",
    2: "add",
    3: "sub",
    4: "max",
    5: "min",
    6: "shift_logic",
    7: "and",
    8: "or",
    9: "xor",
    10: "select_gt",
    11: "select_eq",
    12: "div",
    13: "select_lt",
    15: "adds",
    16: "subs",
    20: "muls",
    21: "shift_arith",
    22: "rotate",
    23: "mul_high",
    27: "fsubabs",
}
UNARY = {1: "not", 19: "copy", 26: "abs", 29: "first_one", 30: "first_zero"}
CAST, MAC = 14, 18
OPERATIONS = {**BINARY, **UNARY, CAST: "cast", MAC: "mac"}
CODES = {name: code for code, name in OPERATIONS.items()}
SELECTS, SATURATED, SHIFTS = {10, 11, 13}, {15, 16, 20}, {6, 21, 22}
ANY_INTEGERS = {6, 15, 16, 20, 21}
ONE_INTEGER_KIND = {1, 7, 8, 9}
ARRAY = 0x10000
"""The distance of two operands in a lane."""
SHIFT_AMOUNTS = 0x3E000


def random_kinds(rng: np.random.Generator, code: int) -> tuple[int, int, int]:
    """Legal prec fields of res0, opd0, opd1."""
    kind, integer, other = int(rng.choice(ALL_KINDS)), int(rng.choice(INTEGERS)), int(rng.choice(INTEGERS))
    if code in ANY_INTEGERS or (code in (0, 2, 3) and kind in INTEGERS):
        return int(rng.choice(INTEGERS)), integer, other
    if code in ONE_INTEGER_KIND:
        return integer, integer, integer
    if code in (CODES["div"], CODES["fsubabs"]):
        kind = F32 if code == CODES["div"] else int(rng.choice(FLOATS))
    elif code in SELECTS:
        return int(rng.choice([k for k in ALL_KINDS if SIZE[k] <= SIZE[kind]])), kind, kind
    elif code == CODES["rotate"]:
        return integer, integer, min(integer, other, key=SIZE.get)
    elif code == CODES["mul_high"]:
        return integer, integer, other
    elif code in (29, 30):
        return min(integer, other, key=SIZE.get), integer, integer
    elif code == MAC:
        return I16, I8, I8
    elif code == CAST:
        return int(rng.choice([k for k in ALL_KINDS if {k, kind} != {F16, BF16}])), kind, I8
    return kind, kind, kind


def random_rounding(rng: np.random.Generator, code: int, result: int, source: int) -> int:
    if code == CODES["div"]:
        return int(rng.integers(0, 4))
    return int(rng.integers(0, 5 if code == CAST and source in FLOATS and result in INTEGERS else 7))


def make(rng: np.random.Generator, code: int) -> Case:
    result, first, second = random_kinds(rng, code)
    shape, base = random_shape(rng), random_base(rng)
    signs = [int(v) for v in rng.integers(0, 2, 3)]
    if code in (4, 5):
        signs[1] = signs[0]
    f = {
        "tsk_typ": 3,
        "tsk_eu_typ": code,
        "res0_prec": result,
        "opd0_prec": first,
        "opd1_prec": second,
        "tsk_opd_num": 1 if code in UNARY or code == CAST else 2,
        "opd2_n_str": random_rounding(rng, code, result, first),
        **{f"opd{i}_sign": sign for i, sign in enumerate(signs)},
        **shape_fields(shape),
    }
    form, data = random_form(rng, "AR", f), []
    for i, (name, prec) in enumerate((("res0", result), ("opd0", first), ("opd1", second))[: f["tsk_opd_num"] + 1]):
        values = lane_elements(rng, prec, AREA_BYTES + 0x200)
        if name == "opd1" and code in SHIFTS and rng.random() < 0.7:
            values = np.resize(
                rng.integers(-40, 41, 9973).astype(dtype_of(prec)), (LANES, (AREA_BYTES + 0x200) // SIZE[prec])
            ).view(np.uint8)
        if name != "res0" and rng.random() < 0.15:
            f.update({f"{name}_const": 1, f"{name}_addr": int.from_bytes(values[0, :4].tobytes(), "little")})
            continue
        lane = base // LANE_BYTES if name == "res0" or rng.random() < 0.9 else int(rng.integers(0, LANES))
        f.update(random_layout(rng, name, shape, SIZE[prec], lane))
        f[f"{name}_addr"] = lane * LANE_BYTES + ARRAY * i + SIZE[prec] * int(rng.integers(0, 64))
        data.append((ARRAY * i, values))
    data += third_operand(rng, code, f, base)
    kinds = NAMES[first] if code != CAST else f"{NAMES[first]} -> {NAMES[result]}"
    return Case(form, f, data, variant=f"{OPERATIONS[code]} {kinds}")


def third_operand(rng: np.random.Generator, code: int, f: dict[str, int], base: int) -> list[tuple[int, np.ndarray]]:
    """A select's value, a shift, the shifts of mac; what must lie in memory for it."""
    if code in SELECTS:
        value = int.from_bytes(elements(rng, f["res0_prec"], 4)[:4].tobytes()[:4], "little")
        f.update(tsk_opd_num=3, opd2_prec=f["res0_prec"], opd2_const=1, opd2_addr=value)
    elif code == MAC:
        f.update(
            tsk_opd_num=3,
            opd2_prec=I16,
            opd2_const=1,
            opd2_addr=int(rng.integers(0, 16)) | int(rng.integers(0, 16)) << 8,
        )
    elif code in SATURATED and rng.random() < 0.8:
        f.update(tsk_opd_num=3, opd2_prec=I8)
        amounts = rng.integers(-63, 32, (LANES, 64)).astype(np.int8)
        if rng.random() < 0.5:
            f.update(opd2_const=1, opd2_addr=int(amounts[0, 0]) & 255)
        else:
            f["opd2_addr"] = base + SHIFT_AMOUNTS
            return [(SHIFT_AMOUNTS, amounts.view(np.uint8))]
    return []


def compute(
    f: dict[str, int],
    a: np.ndarray,
    b: np.ndarray | None,
    shift: np.ndarray | None = None,
    *,
    pair_of_vectors: bool = False,
) -> np.ndarray:
    """The operation of the fields on arrays."""
    code, result, bf16 = f["tsk_eu_typ"], f["res0_prec"], BF16 in (f["res0_prec"], f["opd0_prec"])
    rounding = f.get("opd2_n_str", 0)
    if code == CAST:
        return elementwise.cast(a, kind_name(result, f["opd2_sign"]), rounding, bf16=f["opd0_prec"] == BF16)
    if code in UNARY:
        return elementwise.unary(UNARY[code], a, kind_name(result, f["opd0_sign"]), bf16=bf16)
    if code in SELECTS:
        value = low_bits(f["opd2_addr"], result)
        return elementwise.binary(BINARY[code], a, b, kind_name(result), value=value, bf16=f["opd0_prec"] == BF16)
    is_signed = f["opd0_sign"] or f["opd1_sign"] or BINARY[code] == "subs"
    if code == CODES["div"] and pair_of_vectors:
        rounding = 2
    return elementwise.binary(
        BINARY[code], a, b, kind_name(result, is_signed), shift=shift, rounding=rounding, bf16=bf16
    )


def execute(memory: Memory, f: dict[str, int]) -> None:
    shape, code = shape_of(f), f["tsk_eu_typ"]
    sign = 0 if code in (CODES["shift_logic"], CODES["rotate"]) else f["opd0_sign"]
    a = operand(memory, f, "opd0", shape, f["opd0_prec"], sign)
    b = operand(memory, f, "opd1", shape, f["opd1_prec"], f["opd1_sign"]) if f["tsk_opd_num"] > 1 else None
    if code == MAC:
        old = lanes.load(
            memory.lmem, f["res0_addr"], shape, layout_of(f, "res0"), dtype_of(I16, f["opd0_sign"] or f["opd1_sign"])
        )
        y = elementwise.mac(
            old, np.broadcast_to(a, shape), b, f["opd2_addr"] & 255, f["opd2_addr"] >> 8, f["opd2_n_str"]
        )
    else:
        shift = None
        if code in SATURATED and f["tsk_opd_num"] == 3:
            shift = operand(memory, f, "opd2", (1, shape[1], 1, 1), I8, layout="channel").reshape(-1)
        y = compute(f, np.broadcast_to(a, shape), b, shift)
    store(memory, f, y, layout_of(f, "res0"))


PAIRS = (0, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15, 16, 20, 23)
MIXED = (0, 2, 3, 15, 16, 20)


def make_vectors(rng: np.random.Generator) -> Case:
    """VC: an operation on all pairs of elements of two vectors."""
    code = int(rng.choice(PAIRS))
    if code == CODES["div"]:
        first = second = result = F32
    elif code in (7, 8, 9, 15, 16, 20, 23) or rng.random() < 0.5:
        first, second = int(rng.choice(INTEGERS)), int(rng.choice(INTEGERS))
        second = second if code in MIXED else first
        result = max((I8, I16, I32) if code in MIXED else (first,), key=SIZE.get)
    else:
        first = second = result = int(rng.choice(FLOATS))
    pieces, length, c, w = (
        int(rng.integers(1, 4)),
        int(rng.integers(1, 6)),
        int(rng.choice([1, 3, 66])),
        int(rng.integers(1, 20)),
    )
    base, sign = random_base(rng), int(rng.integers(0, 2))
    f = {
        "tsk_typ": 14,
        "tsk_eu_typ": code,
        "opd0_prec": first,
        "opd1_prec": second,
        "res0_prec": result,
        "res0_c": c,
        "res0_w": w,
        "opd0_c": pieces,
        "opd0_w": length,
        "opd1_w": int(rng.integers(1, length + 1)),
        "opd0_sign": sign,
        "opd1_sign": sign if code in (4, 5) else int(rng.integers(0, 2)),
        "opd0_addr": 9 * LANE_BYTES,
        "opd1_addr": base + 0x2000,
        "res0_addr": base + 0x4000,
        "opd2_addr": int(rng.integers(0, 1 << 32)),
        "opd2_n_str": int(rng.integers(0, 7)),
    }
    form = random_form(rng, "VC", f)
    data = [
        (0, lane_elements(rng, first, 0x400)),
        (0x2000, lane_elements(rng, second, 0x400)),
        (0x4000, lane_elements(rng, I8, 0x4000)),
    ]
    return Case(form, f, data, variant=f"{BINARY[code]} {NAMES[first]}")


def execute_vectors(memory: Memory, f: dict[str, int]) -> None:
    count, c, w = (f["opd0_c"] - 1) * f["opd0_w"] + f["opd1_w"], f["res0_c"], f["res0_w"]
    a = operand(memory, f, "opd0", (1, f["opd0_c"], 1, f["opd0_w"]), f["opd0_prec"], f["opd0_sign"], "aligned")
    b = operand(memory, f, "opd1", (1, c, 1, w), f["opd1_prec"], f["opd1_sign"], "aligned")
    y = compute(f, a.reshape(-1)[:count].reshape(count, 1, 1, 1), b, pair_of_vectors=True)
    store(memory, {**f, "res0_n": count, "res0_h": 1}, y)


FUZZ = {name: (lambda rng, code=code: make(rng, code), execute) for code, name in OPERATIONS.items()}
FUZZ["vectors"] = (make_vectors, execute_vectors)


@pytest.mark.parametrize("name", FUZZ)
def test_arithmetic_equals_the_c_model(fuzz, name):
    fuzz(name, cases=1000)
