"""tpuc_kernels.special against the C model: series, reciprocal square root and exponents of SFU and sSFU."""

from __future__ import annotations

import numpy as np
import pytest
from cmodel_harness import Case, Memory
from commands import (
    BF16,
    F16,
    F32,
    I16,
    I32,
    NAMES,
    dtype_of,
    kind_name,
    lane_elements,
    operand,
    random_base,
    random_form,
    random_shape,
    shape_fields,
    shape_of,
    store,
)
from tpuc_kernels import lanes, special

pytestmark = pytest.mark.vendor

SERIES_BY_FOUR, SERIES, NORMALIZE, RSQRT = 12, 13, 15, 17
OPERAND, COEFFICIENTS = 0x20000, 0x30000


def make(rng: np.random.Generator, *operations: int) -> Case:
    operation = int(rng.choice(operations))
    source = result = F32 if operation == RSQRT else int(rng.choice([F32, F16, BF16]))
    if operation == NORMALIZE and rng.random() < 0.5:
        result = I32 if source == F32 else I16
    base = random_base(rng)
    f = {
        "tsk_typ": 9,
        "tsk_eu_typ": operation,
        "opd0_prec": source,
        "res0_prec": result,
        "res0_addr": base + 64 * int(rng.integers(0, 16)),
        "opd0_addr": base + OPERAND + 64 * int(rng.integers(0, 16)),
        **shape_fields(random_shape(rng)),
    }
    data = [(0, lane_elements(rng, source, 0x4000)), (OPERAND, lane_elements(rng, source, 0x4000))]
    if operation == RSQRT:
        f["opd2_n_str"] = int(rng.integers(0, 4))
    elif operation != NORMALIZE:
        f.update(opd1_n=int(rng.integers(2, 20)), opd1_addr=base + COEFFICIENTS)
        data.append((COEFFICIENTS, lane_elements(rng, source, 0x80)))
    form = random_form(rng, "SFU", f)
    if form == "SFU":
        f.update(tsk_opd_num=2 if "opd1_n" in f else 1, opd1_prec=source, **shape_fields(shape_of(f), "opd0"))
    return Case(form, f, data, variant=f"{operation} {NAMES[source]} -> {NAMES[result]}")


def execute(memory: Memory, f: dict[str, int]) -> None:
    source, operation, shape = f["opd0_prec"], f["tsk_eu_typ"], shape_of(f)
    x = operand(memory, f, "opd0", shape, source, layout="aligned")
    bf16 = source == BF16
    if operation == RSQRT:
        y = special.rsqrt(x, f["opd2_n_str"] + 1)
    elif operation == NORMALIZE:
        y = special.normalize(x, kind_name(f["res0_prec"]), bf16=bf16)
    else:
        c = lanes.load(memory.lmem, f["opd1_addr"], (1, shape[1], 1, f["opd1_n"]), (0, 0, 0, 1), dtype_of(source))
        y = special.taylor(x, c[0, :, 0] if np.ptp(c.view(np.uint8)) or shape[1] > 1 else c[0, 0, 0], bf16=bf16)
    store(memory, f, y)


FUZZ = {
    name: (lambda rng, operations=operations: make(rng, *operations), execute)
    for name, operations in (("taylor", (SERIES_BY_FOUR, SERIES)), ("normalize", (NORMALIZE,)), ("rsqrt", (RSQRT,)))
}


@pytest.mark.parametrize("name", FUZZ)
def test_special_functions_equal_the_c_model(fuzz, name):
    fuzz(name, cases=1000)
