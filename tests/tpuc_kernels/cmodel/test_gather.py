"""tpuc_kernels.gather against the C model: tables and scatters of SG and sSG."""

from __future__ import annotations

import numpy as np
import pytest
from cmodel_harness import LANE_BYTES, LANES, Case, Memory
from commands import ALL_KINDS, I8, I16, NAMES, SIZE, lane_elements, random_form, shape_of, store
from tpuc_kernels import gather, lanes

pytestmark = pytest.mark.vendor

GATHER, SCATTER, GATHER_SAFE, SCATTER_SAFE = 5, 6, 13, 14
ONE_TABLE_PER_LANE = 4
AREA = 0x4000


def make(rng: np.random.Generator, *operations: int) -> Case:
    operation, prec, index_prec = int(rng.choice(operations)), int(rng.choice(ALL_KINDS)), int(rng.choice([I8, I16]))
    n, c = int(rng.choice([1, 1, 2, 3])), int(rng.choice([1, 2, 3, 63, 64, 65, 70, 130]))
    table, width = int(rng.choice([256, int(rng.integers(1, 300))])), int(rng.integers(1, 200))
    gathers = operation in (GATHER, GATHER_SAFE)
    count, limit = (width, table) if gathers else (table, width)
    base = int(rng.choice([0, 0, 1, 5, 63])) * LANE_BYTES
    places = [int(b) * AREA * 4 + 64 * int(rng.integers(4)) for b in rng.permutation(4)]
    f = {
        "tsk_typ": 6,
        "tsk_eu_typ": operation,
        "res0_prec": prec,
        "opd0_prec": prec,
        "opd0_str": int(rng.choice([0, ONE_TABLE_PER_LANE])),
        "opd1_prec": index_prec,
        "res0_n": n,
        "res0_c": c,
        "res0_h": 1,
        "res0_w": width,
        "opd0_h": 1,
        "opd0_w": table,
        "opd1_c": c,
        "opd1_w": count,
        "opd3_const": int(rng.integers(2)),
        "opd0_addr": base + places[0],
        "opd1_addr": base + places[1],
        "res0_addr": base + places[2],
    }
    if gathers:
        f.update(opd2_const=int(rng.integers(2)), opd2_addr=int(rng.integers(1 << 29)))
    size = SIZE[index_prec]
    index = rng.integers(0, min(limit, 1 << 8 * size), 9973).astype(f"u{size}")
    if f["opd3_const"]:
        index[rng.random(index.size) < 0.2] = np.iinfo(index.dtype).max
    data = [(place, lane_elements(rng, prec, AREA * 2)) for place in (places[0], places[2])]
    data.append((places[1], np.resize(index, (LANES, AREA * 2 // size)).view(np.uint8)))
    form = random_form(rng, "SG", f)
    return Case(form, f, data, variant=f"{form} {operation} {NAMES[prec]}")


def execute(memory: Memory, f: dict[str, int]) -> None:
    n, c, _, width = shape_of(f)
    gathers = f["tsk_eu_typ"] in (GATHER, GATHER_SAFE)
    dtype, index_dtype, table = f"u{SIZE[f['res0_prec']]}", f"u{SIZE[f['opd1_prec']]}", f["opd0_w"]
    layout = (0, 0, table, 1) if f["opd0_str"] == ONE_TABLE_PER_LANE else "aligned"
    values = lanes.load(memory.lmem, f["opd0_addr"], (1, c, 1, table), layout, dtype)[0, :, 0]
    index = lanes.load(memory.lmem, f["opd1_addr"], (n, c, 1, f["opd1_w"]), "aligned", index_dtype)
    old = lanes.load(memory.lmem, f["res0_addr"], (n, c, 1, width), "aligned", dtype)
    skips = bool(f["opd3_const"])
    if gathers:
        fill = f["opd2_addr"] if f["opd2_const"] else None
        y = gather.table(index, values, skips=skips, fill=fill, out=old)
    else:
        y = gather.scatter(old[:, :, 0], values, index[:, :, 0], skips=skips)[:, :, None]
    store(memory, f, y)


FUZZ = {
    "table": (lambda rng: make(rng, GATHER, GATHER_SAFE), execute),
    "scatter": (lambda rng: make(rng, SCATTER, SCATTER_SAFE), execute),
}


@pytest.mark.parametrize("name", FUZZ)
def test_look_ups_equal_the_c_model(fuzz, name):
    fuzz(name, cases=1000)
