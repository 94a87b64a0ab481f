"""The comparison with the C model itself: it must see a wrong result, and survive a command that kills the C model."""

from __future__ import annotations

from pathlib import Path

import cmodel_harness
import numpy as np
import pytest
from cmodel_harness import Case, Memory
from random_elements import lane_bytes
from tpuc_kernels import lanes, pool

pytestmark = pytest.mark.vendor

MAXIMUM, RESULT = 4, 0x8000


def make(rng: np.random.Generator) -> Case:
    fields = {"tsk_typ": 1, "tsk_eu_typ": MAXIMUM, "res0_n": 1, "res0_c": 5, "res0_h": 3, "res0_w": 4, "opd0_h": 4, "opd0_w": 5,
              "opd1_h": 2, "opd1_w": 2, "res_op_y_str": 1, "res_op_x_str": 1, "opd3_const": 1, "opd0_sign": 1, "res0_addr": RESULT}
    return Case("sPorD", fields, [(0, lane_bytes(rng, 64, np.int8)), (RESULT, lane_bytes(rng, 64, np.int8))])


def make_deadly(rng: np.random.Generator) -> Case:
    case = make(rng)
    case.fields["tsk_eu_typ"] = 3 if rng.random() < 0.5 else MAXIMUM  # operation 3 aborts
    return case


def execute(memory: Memory, f: dict[str, int]) -> None:
    x = lanes.load(memory.lmem, 0, (1, 5, 4, 5), "aligned", np.int8)
    lanes.store(memory.lmem, f["res0_addr"], pool.maximum(x, (2, 2)), "aligned")


def execute_wrongly(memory: Memory, f: dict[str, int]) -> None:
    x = lanes.load(memory.lmem, 0, (1, 5, 4, 5), "aligned", np.int8)
    y = pool.maximum(x, (2, 2))
    y[0, 4, 2, 3] ^= 1
    lanes.store(memory.lmem, f["res0_addr"], y, "aligned")


def execute_far_away(memory: Memory, f: dict[str, int]) -> None:
    execute(memory, f)
    memory.lmem[63, -1] = 7


FUZZ = {"right": (make, execute), "wrong": (make, execute_wrongly), "far": (make, execute_far_away), "deadly": (make_deadly, execute)}


@pytest.fixture
def compare(request):
    if cmodel_harness.library_path() is None:
        pytest.skip("libcmodel_bm1684x.so is not there: run `make vendor`, or set TPUC_CMODEL or TPUC_VENDOR")
    return lambda name, cases: cmodel_harness.compare(Path(request.path), name, cases)


def test_one_wrong_byte_is_seen(compare):
    assert compare("wrong", 5).total("differs") == 5
    assert compare("right", 5).total("equal") == 5


def test_a_byte_that_no_command_should_touch_is_seen(compare):
    assert compare("far", 5).total("differs") == 5


def test_commands_that_kill_the_c_model_are_counted_and_the_others_compared(compare):
    outcome = compare("deadly", 10)
    assert outcome.total("refused") > 0 and outcome.total("equal") > 0
    assert outcome.total("refused") + outcome.total("equal") == 10
