"""tpuc_kernels.compare against the C model: CMP and sCMP."""

from __future__ import annotations

import numpy as np
import pytest
from cmodel_harness import Case, Memory
from commands import (
    ALL_KINDS,
    BF16,
    I8,
    NAMES,
    SIZE,
    lane_elements,
    operand,
    random_base,
    random_form,
    shape_fields,
    shape_of,
    store,
)
from tpuc_kernels import compare

pytestmark = pytest.mark.vendor

BOTH_GREATER, GREATER, EQUAL, BOTH_LESS, LESS = 22, 23, 24, 25, 26
CONDITIONS = {BOTH_GREATER: "gt", GREATER: "gt", EQUAL: "eq", BOTH_LESS: "lt", LESS: "lt"}
OPERANDS = ("opd0", "opd1", "opd2", "opd3")
ONE_ELEMENT = 3  # the str field of an operand that stands still


def make(rng: np.random.Generator) -> Case:
    operation = int(rng.choice(list(CONDITIONS)))
    compared, chosen = (int(rng.choice(ALL_KINDS)) for _ in range(2))
    shape = (
        int(rng.integers(1, 4)),
        int(rng.choice([1, 3, 7, 65, 70])),
        int(rng.integers(1, 4)),
        int(rng.integers(1, 20)),
    )
    base = random_base(rng)
    f = {
        "tsk_typ": 13,
        "tsk_eu_typ": operation,
        "opd0_prec": compared,
        "opd2_prec": chosen,
        "opd0_sign": int(rng.integers(0, 2)),
        "res0_addr": base + 0x8000,
        "res1_addr": base + 0xC000,
        **shape_fields(shape),
    }
    areas = [lane_elements(rng, prec, 0x2000) for prec in (compared, compared, chosen, chosen)]
    same = np.repeat(rng.random((64, 0x2000 // SIZE[compared])) < 0.3, SIZE[compared], axis=1)
    areas[1] = np.where(same, areas[0], areas[1])
    for i, name in enumerate(OPERANDS):
        f[f"{name}_addr"] = base + 0x2000 * i
        if rng.random() < 0.2:
            raw = areas[i][0, : SIZE[compared if i < 2 else chosen]]
            f.update({f"{name}_const": 1, f"{name}_addr": int.from_bytes(raw.tobytes(), "little")})
        elif i < 2 and rng.random() < 0.2:
            f[f"{name}_str"] = ONE_ELEMENT
    data = [(0x2000 * i, area) for i, area in enumerate(areas)] + [(0x8000, lane_elements(rng, I8, 0x8000))]
    form = random_form(rng, "CMP", f)
    if form == "CMP":
        f.update(opd1_prec=compared, res0_prec=compared)
    return Case(form, f, data, variant=f"{operation} {NAMES[compared]}")


def execute(memory: Memory, f: dict[str, int]) -> None:
    shape, operation, compared = shape_of(f), f["tsk_eu_typ"], f["opd0_prec"]
    layouts = [(0, 0, 0, 0) if f.get(f"{name}_str") == ONE_ELEMENT else "aligned" for name in OPERANDS]
    precs = (compared, compared, f["opd2_prec"], f["opd2_prec"])
    a, b, yes, no = (
        operand(memory, f, name, shape, prec, f["opd0_sign"], layout)
        for name, prec, layout in zip(OPERANDS, precs, layouts, strict=True)
    )
    bits = f"u{SIZE[f['opd2_prec']]}"
    chosen = compare.select(CONDITIONS[operation], a, b, yes.view(bits), no.view(bits), bf16=compared == BF16)
    if operation in (BOTH_GREATER, BOTH_LESS):
        store(memory, f, compare.select(CONDITIONS[operation], a, b, a, b, bf16=compared == BF16, flushes=True))
    store(memory, f, chosen, name="res1" if operation in (BOTH_GREATER, BOTH_LESS) else "res0")


FUZZ = {"compare": (make, execute)}


def test_compare_and_select_equal_the_c_model(fuzz):
    fuzz("compare", cases=1500)
