"""tpuc_kernels.linear against the C model: LIN and sLIN."""

from __future__ import annotations

import numpy as np
import pytest
from cmodel_harness import Case, Memory
from commands import (
    BF16,
    FLOATS,
    NAMES,
    SIZE,
    elements,
    lane_elements,
    operand,
    random_base,
    random_form,
    random_shape,
    shape_fields,
    shape_of,
    store,
)
from tpuc_kernels import linear

pytestmark = pytest.mark.vendor

MAC, SQUARE_SUM, SQUARE_DIFFERENCE = 1, 20, 21
NAME = {MAC: "mac", SQUARE_SUM: "square_sum", SQUARE_DIFFERENCE: "square_difference"}


def make(rng: np.random.Generator) -> Case:
    operation, prec, base = int(rng.choice(list(NAME))), int(rng.choice(FLOATS)), random_base(rng)
    f = {
        "tsk_typ": 10,
        "tsk_eu_typ": operation,
        "res0_prec": prec,
        "opd0_addr": base,
        "res0_addr": base + 0x8000,
        "opd1_addr": base + 0x10000,
        "opd2_addr": base + 0x11000,
        **shape_fields(random_shape(rng)),
    }
    for name in ("opd1", "opd2"):
        if rng.random() < 0.4:
            f.update({f"{name}_const": 1, f"{name}_addr": int(elements(rng, prec, 1).view(f"u{SIZE[prec]}")[0])})
        else:
            f[f"{name}_addr"] += SIZE[prec] * int(rng.integers(0, 3))
    form = random_form(rng, "LIN", f)
    if form == "LIN":
        f.update(opd0_prec=prec, opd0_sign=int(rng.integers(0, 2)), relu=int(rng.integers(0, 2)))
    places = ((0, 0x4000), (0x8000, 0x4000), (0x10000, 0x80), (0x11000, 0x80))
    return Case(
        form,
        f,
        [(place, lane_elements(rng, prec, size)) for place, size in places],
        variant=f"{NAME[operation]} {NAMES[prec]}",
    )


def execute(memory: Memory, f: dict[str, int]) -> None:
    shape, prec, operation = shape_of(f), f["res0_prec"], f["tsk_eu_typ"]
    a = operand(memory, f, "opd0", shape, prec, layout="aligned")
    b, c = (
        operand(memory, f, name, (1, shape[1], 1, 1), prec, layout="compact").reshape(-1) for name in ("opd1", "opd2")
    )
    bf16 = prec == BF16
    if operation == MAC:
        y = linear.mac(a, b, c, bf16=bf16)
    elif operation == SQUARE_SUM:
        y = linear.square_sum(a, b, bf16=bf16)
    else:
        y = linear.square_difference(a, b, bf16=bf16)
    assert y.dtype == np.asarray(a).dtype
    store(memory, f, y)


FUZZ = {"linear": (make, execute)}


def test_fused_linear_operations_equal_the_c_model(fuzz):
    fuzz("linear", cases=1500)
