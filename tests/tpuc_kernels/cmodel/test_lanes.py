"""tpuc_kernels.lanes against the C model: TRANSBC and sTRANSBC, all of whose work is loading and storing."""

from __future__ import annotations

import numpy as np
import pytest
from cmodel_harness import LANE_BYTES, Case, Memory
from commands import I8, SIZE, dtype_of, lane_elements, random_form, shape_fields, shape_of, store
from tpuc_kernels import lanes

pytestmark = pytest.mark.vendor

CW, WC, COPY, BROADCAST = range(4)
NAME = ["cw transpose", "wc transpose", "copy", "broadcast"]
RESULT, AREA = 0x20000, 0x14000
SIZES = (1, 3, 16, 33, 63, 64, 65, 70, 130, 200)


def random_address(rng: np.random.Generator, size: int, offset: int) -> int:
    lane = int(rng.choice([0, 0, 1, 5, 63, int(rng.integers(64))]))
    return lane * LANE_BYTES + offset + size * int(rng.integers(64))


def make(rng: np.random.Generator) -> Case:
    operation, prec = int(rng.integers(4)), int(rng.integers(6))
    c, w = int(rng.choice(SIZES)), int(rng.choice(SIZES))
    if rng.random() < 0.6:
        c, w = (int(rng.integers(1, 12)), w) if rng.random() < 0.5 else (c, int(rng.integers(1, 12)))
    shape = int(rng.choice([1, 1, 2])), c, int(rng.choice([1, 1, 2, 4])), w
    f = {
        "tsk_typ": 5,
        "tsk_eu_typ": operation,
        "res0_prec": prec,
        "opd0_c": w if operation < COPY else c,
        "opd0_w": c if operation < COPY else w,
        "opd0_addr": random_address(rng, SIZE[prec], 0),
        "res0_addr": random_address(rng, SIZE[prec], RESULT),
        **shape_fields(shape),
    }
    form = random_form(rng, "TRANSBC", f)
    if form == "TRANSBC":
        f.update(opd0_n=shape[0], opd0_h=shape[2], opd0_prec=prec)
    return Case(
        form,
        f,
        [(0, lane_elements(rng, I8, AREA)), (RESULT, lane_elements(rng, I8, AREA))],
        variant=f"{form} {NAME[operation]}",
    )


def execute(memory: Memory, f: dict[str, int]) -> None:
    n, c, h, w = shape_of(f)
    operation, dtype = f["tsk_eu_typ"], dtype_of(f["res0_prec"])
    shape = (n, w, h, c) if operation < COPY else (n, c if operation == COPY else 1, h, w)
    x = lanes.load(memory.lmem, f["opd0_addr"], shape, "aligned", dtype)
    store(memory, f, x.transpose(0, 3, 2, 1) if operation < COPY else x, "line" if operation == CW else "aligned")


FUZZ = {"transpose": (make, execute)}


def test_lane_transposes_and_copies_equal_the_c_model(fuzz):
    fuzz("transpose", cases=1200)
