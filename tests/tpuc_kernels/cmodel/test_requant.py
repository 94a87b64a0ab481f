"""tpuc_kernels.requant against the C model: the four operations of RQDQ and sRQDQ."""

from __future__ import annotations

import numpy as np
import pytest
from cmodel_harness import LANES, Case, Memory
from commands import (
    F32,
    I8,
    I16,
    I32,
    NAMES,
    SIZE,
    dtype_of,
    lane_elements,
    operand,
    random_base,
    random_form,
    shape_fields,
    shape_of,
    store,
)
from random_elements import f32
from tpuc_kernels import lanes, requant

pytestmark = pytest.mark.vendor

RQ0, RQ1, DQ0, DQ1 = 0, 1, 3, 4
NAME = {RQ0: "requantize_float", RQ1: "requantize_int", DQ0: "dequantize_float", DQ1: "dequantize_int"}
WORDS = {RQ0: 2, RQ1: 3, DQ0: 2, DQ1: 3}
RESULT, PARAMETERS = 0x4000, 0x8000


def random_words(rng: np.random.Generator, operation: int) -> np.ndarray:
    """uint32 [256, words]: parameters of channels."""
    scales = f32(rng, (256,)).view(np.uint32)
    small = (rng.integers(-(2**17), 2**17, 256) >> rng.integers(0, 18, 256)).astype(np.int32).view(np.uint32)
    multipliers = (rng.integers(-(2**31), 2**31, 256) >> rng.integers(0, 32, 256)).astype(np.int32).view(np.uint32)
    shifts = (
        np.where(rng.random(256) < 0.8, rng.integers(-40, 4, 256), rng.integers(-128, 128, 256))
        .astype(np.int32)
        .view(np.uint32)
    )
    return np.stack(
        {
            RQ0: (scales, f32(rng, (256,)).view(np.uint32)),
            RQ1: (multipliers, shifts, small),
            DQ0: (small, scales),
            DQ1: (small, multipliers, shifts),
        }[operation],
        axis=1,
    )


def constant_fields(operation: int, words: list[int]) -> dict[str, int]:
    """The parameters in the two address fields."""
    if operation == RQ1:
        return {"opd1_addr": words[0], "opd2_addr": words[1] & 255 | (words[2] & 0xFFFF) << 16}
    if operation == DQ1:
        return {"opd1_addr": words[0] & 0xFFFF | (words[2] & 0xFFFF) << 16, "opd2_addr": words[1]}
    return {"opd1_addr": words[0] & (0xFFFF if operation == DQ0 else 0xFFFFFFFF), "opd2_addr": words[1]}


def make(rng: np.random.Generator, operation: int) -> Case:
    source = int(rng.choice([I16, I32] if operation in (RQ0, RQ1) else [I8, I16]))
    result = F32 if operation == DQ0 else int(rng.choice([I8, I16, I32]))
    shape = (
        int(rng.integers(1, 4)),
        int(rng.choice([1, 3, 7, 64, 65, 70])),
        int(rng.integers(1, 4)),
        int(rng.integers(1, 20)),
    )
    base = random_base(rng)
    rounding = int(rng.integers(0, 8)) | (int(rng.integers(0, 5)) << 3 if operation == RQ0 else 0)
    f = {
        "tsk_typ": 4,
        "tsk_eu_typ": operation,
        "opd0_prec": source,
        "res0_prec": result,
        "opd2_n_str": rounding,
        "opd0_sign": int(rng.integers(0, 2)),
        "opd2_sign": int(rng.integers(0, 2)),
        "opd0_addr": base,
        "res0_addr": base + RESULT,
        "opd1_const": int(rng.integers(0, 2)),
        **shape_fields(shape),
    }
    words = random_words(rng, operation)
    data = [(0, lane_elements(rng, source, 0x2000)), (RESULT, lane_elements(rng, I8, 0x2000))]
    if f["opd1_const"]:
        f.update(constant_fields(operation, [int(v) for v in words[0]]))
    else:
        f["opd1_addr"] = base + PARAMETERS
        slots = np.zeros((LANES, 4, 16), np.uint32)
        slots[:, :, : WORDS[operation]] = words.reshape(LANES, 4, -1)
        data.append((PARAMETERS, slots.reshape(LANES, -1).view(np.uint8)))
    form = random_form(rng, "RQDQ", f)
    return Case(
        form,
        f,
        data,
        variant=f"{NAME[operation]} {NAMES[source]} -> {NAMES[result]} {'one' if f['opd1_const'] else 'per channel'}",
    )


def parameters(memory: Memory, f: dict[str, int]) -> list[np.ndarray]:
    """Words as uint32 arrays, [1] or [c], in the order of memory."""
    operation, one, two = f["tsk_eu_typ"], f["opd1_addr"], f.get("opd2_addr", 0)
    if not f["opd1_const"]:
        words = lanes.load(memory.lmem, one, (1, f["res0_c"], 1, WORDS[operation]), "aligned", np.uint32)[0, :, 0]
        return [np.ascontiguousarray(words[:, k]) for k in range(WORDS[operation])]
    words = {RQ1: (one, two & 255, two >> 16), DQ1: (one & 0xFFFF, two, one >> 16)}.get(operation, (one, two))
    return [np.array([word], np.uint32) for word in words]


def low(words: np.ndarray, bits: int, is_signed: int) -> np.ndarray:
    """The low 8 or 16 bits as int32."""
    return words.astype(f"u{bits // 8}").view(f"{'i' if is_signed else 'u'}{bits // 8}").astype(np.int32)


def execute(memory: Memory, f: dict[str, int]) -> None:
    operation, source, result = f["tsk_eu_typ"], f["opd0_prec"], f["res0_prec"]
    x = operand(memory, f, "opd0", shape_of(f), source, f["opd0_sign"] or source == I32, "aligned")
    words, rounding = parameters(memory, f), f["opd2_n_str"]
    dtype = dtype_of(result, f["opd2_sign"])
    if operation == RQ0:
        y = requant.requantize_float(
            x, words[0].view(np.float32), words[1].view(np.float32), dtype, rounding & 7, rounding >> 3
        )
    elif operation == RQ1:
        y = requant.requantize_int(
            x,
            words[0].view(np.int32),
            low(words[1], 8, 1).astype(np.int8),
            low(words[2], 16, f["opd2_sign"]),
            dtype,
            rounding,
        )
    elif operation == DQ0:
        y = requant.dequantize_float(x, low(words[0], 16, f["opd0_sign"]), words[1].view(np.float32), rounding)
    else:
        shift = low(words[2], 16 if f["opd1_const"] else 8, 1).astype(np.int16)
        y = requant.dequantize_int(
            x, words[1].view(np.int32), shift, low(words[0], 16, f["opd0_sign"]), dtype, rounding
        )
    assert y.itemsize == SIZE[result]
    store(memory, f, y)


FUZZ = {name: (lambda rng, operation=operation: make(rng, operation), execute) for operation, name in NAME.items()}


@pytest.mark.parametrize("name", FUZZ)
def test_requantization_equals_the_c_model(fuzz, name):
    fuzz(name, cases=1000)
