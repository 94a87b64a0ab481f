"""Order of commands, waits, and what is refused before anything runs."""

import pytest
from tpuc_bm1684x.bmodel import CommandGroup
from tpuc_bm1684x.isa import FORM_BY_NAME, join_stream
from tpuc_bm1684x.simulator.decode import decode_group

from tpuc_core.errors import TpucError

AR = FORM_BY_NAME["sAR"]
TENSOR = FORM_BY_NAME["DMA_tensor"]
SYSTEM = FORM_BY_NAME["SYSID"]


def group(tiu, gdma, tiu_count=0):
    """A command group of (id, awaited id) pairs."""
    streams = [
        join_stream("tiu", [AR.encode(cmd_id=i, cmd_id_dep=d) for i, d in tiu]),
        join_stream("gdma", [TENSOR.encode(cmd_id=i, cmd_id_dep=d) for i, d in gdma]),
    ]
    return decode_group(0, CommandGroup(*streams, tiu_count, 0))


def test_commands_run_after_what_they_wait_for():
    order = [(e.engine, e.cmd_id) for e in group([(1, 1), (2, 2)], [(1, 0), (2, 0), (3, 2)]).in_order()]
    assert order.index(("gdma", 1)) < order.index(("tiu", 1))
    assert order.index(("gdma", 2)) < order.index(("tiu", 2)) < order.index(("gdma", 3))
    assert [c for e, c in order if e == "tiu"] == [1, 2]


def test_engines_that_wait_for_each_other_are_a_deadlock_that_names_both():
    with pytest.raises(
        TpucError, match=r"deadlock: gdma command 1 .* waits for tiu command 1 and tiu command 1 .* waits for gdma"
    ):
        list(group([(1, 1)], [(1, 1)]).in_order())


def test_a_wait_for_a_command_that_does_not_exist_is_a_deadlock():
    with pytest.raises(TpucError, match=r"tiu command 1 of group 0 \(sAR mul\) waits for gdma command 9"):
        list(group([(1, 9)], [(1, 0)]).in_order())


def test_ids_must_ascend():
    with pytest.raises(TpucError, match="its id must be above 2"):
        group([(2, 0), (2, 0)], [])


def test_a_wrong_count_of_commands_is_named():
    with pytest.raises(TpucError, match="the tiu stream holds 2 commands; the file says 5"):
        group([(1, 0)], [], tiu_count=5)


def test_the_lane_register_replaces_the_mask_of_the_commands_that_follow():
    once = SYSTEM.encode(tsk_eu_typ=2, cmd_id=1, next_only=1, operand=6)
    always = SYSTEM.encode(tsk_eu_typ=2, cmd_id=4, always=1, operand=5)
    stream = join_stream(
        "tiu", [once, AR.encode(cmd_id=2), AR.encode(cmd_id=3), always, AR.encode(cmd_id=5), AR.encode(cmd_id=6)]
    )
    decoded = decode_group(0, CommandGroup(stream, join_stream("gdma", []), 0, 0))
    assert [(e.cmd_id, e.lane_mask) for e in decoded.tiu] == [(2, 6), (3, None), (5, 5), (6, 5)]


def test_lanes_from_memory_are_not_modelled():
    stream = join_stream("tiu", [SYSTEM.encode(tsk_eu_typ=3, cmd_id=1)])
    with pytest.raises(TpucError, match=r"tiu command 1 of group 0 \(SYSID lane_register_load\) is not modelled"):
        decode_group(0, CommandGroup(stream, join_stream("gdma", []), 0, 0))
