"""The simulator on files of a few commands: results, ends, errors that name the command, the tensor map."""

import numpy as np
import pytest
from conftest import LOCAL_X, LOCAL_Y, SHAPE, C, H, W, X, Y, arithmetic, move
from tpuc_bm1684x.isa import ElementType
from tpuc_bm1684x.isa.memory_map import LOCAL_BASE
from tpuc_bm1684x.simulator.simulator import Simulator

from tpuc_core.errors import TpucError

REAL = np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32)


def test_commands_of_both_engines_compute_the_output(build):
    assert np.array_equal(Simulator(build()).run({"x": REAL})["y"], REAL + np.float32(1))


def test_many_inputs_run_one_after_the_other(build):
    batches = [{"x": REAL * k} for k in (1, 2, 3)]
    results = list(Simulator(build()).run_many(batches))
    assert all(np.array_equal(r["y"], b["x"] + np.float32(1)) for r, b in zip(results, batches))


def test_a_result_is_not_changed_by_the_next_run(build):
    simulator = Simulator(build())
    first = simulator.run({"x": REAL})["y"]
    simulator.run({"x": REAL * 2})
    assert np.array_equal(first, REAL + np.float32(1))


@pytest.fixture
def copies_int8(build):
    """Copies an int8 tensor; real inputs are multiplied by 4, plus 3; stored outputs count 0.25, less 3."""
    gdma = [move(1, 0, X, Y, src_data_format=ElementType.I8)]
    return build(tiu=[], gdma=gdma, dtype="i8", ends=((4.0, 3), (0.25, 3)))


def test_real_inputs_of_quantized_ends_round_half_away_and_saturate(copies_int8):
    real = np.zeros(SHAPE, np.float32)
    real.flat[:6] = 0.125, 0.375, -0.875, -1.125, 100, -100
    stored = Simulator(copies_int8).run({"x": real}, dequantize=False)["y"]
    assert stored.dtype == np.int8
    assert stored.flat[:7].tolist() == [4, 5, -1, -2, 127, -128, 3]


def test_stored_inputs_pass_and_outputs_are_dequantized(copies_int8):
    stored = np.arange(C * H * W, dtype=np.int64).reshape(SHAPE).astype(np.int8)
    y = Simulator(copies_int8).run({"x": stored})["y"]
    assert y.dtype == np.float32
    assert np.array_equal(y, (stored.astype(np.float32) - 3) * 0.25)


def test_ends_tell_scale_and_zero_point_as_real_from_stored(copies_int8):
    simulator = Simulator(copies_int8)
    assert [(i.name, i.dtype, i.scale, i.zero_point) for i in simulator.inputs + simulator.outputs] == [
        ("x", "int8", 0.25, 3),
        ("y", "int8", 0.25, 3),
    ]


@pytest.mark.parametrize(
    "inputs, message",
    [
        ({}, r'input "x" \[1, 70, 3, 5\] is missing'),
        ({"x": REAL, "z": REAL}, 'unknown input "z"; valid: x'),
        ({"x": REAL[:, :5]}, r'input "x" has the shape \[1, 5, 3, 5\]; \[1, 70, 3, 5\] would be right'),
        ({"x": REAL.astype(np.int16)}, 'input "x" is int16; float32 would be right'),
    ],
)
def test_wrong_inputs_are_named(build, inputs, message):
    with pytest.raises(TpucError, match=message):
        Simulator(build()).run(inputs)


@pytest.mark.parametrize(
    "tiu, gdma, message",
    [
        ([arithmetic(tsk_eu_typ=17)], None, r"tiu command 1 of group 0 \(sAR clamp\): operation 17 is not modelled"),
        ([arithmetic(res0_str=5)], None, r"tiu command 1 .*res0_str = 5 is not modelled"),
        ([arithmetic(res0_addr=0x3FFF0)], None, r"tiu command 1 .*res0 \[1, 70, 3, 5\] at 0x3fff0 ends at byte 0x400"),
        ([arithmetic(res0_addr=0x4002)], None, r"tiu command 1 .*res0 at 0x4002 is not aligned to its 4 bytes"),
        ([arithmetic(opd0_prec=ElementType.I8)], None, r"tiu command 1 .*is not modelled"),
        ([arithmetic(tsk_opd_num=1)], None, r"tiu command 1 .*tsk_opd_num is 1; 2 would be right"),
        ([arithmetic(wait=3)], None, "deadlock: .*waits for gdma command 3, which never ends"),
        (
            [],
            [move(1, 0, X, X + 0x3F00)],
            r"gdma command 1 of group 0 \(DMA_tensor copy\): the destination .*leaves global memory",
        ),
        ([], [move(1, 0, 0x123, Y, src_data_format=0)], "gdma command 1 .*address 0x123 lies in no memory"),
        (
            [],
            [move(1, 0, X + 2, Y)],
            "gdma command 1 .*src_start_addr 0x100000002 is not aligned to its elements of 4 bytes",
        ),
        ([], [move(1, 0, X, Y, cmd_special_function=7)], "gdma command 1 .*cmd_special_function 7 is not modelled"),
        (
            [],
            [move(1, 0, X, Y, dst_csize=71)],
            r"gdma command 1 .*a source \[1, 70, 3, 5\] cannot become a destination \[1, 71, 3, 5\]",
        ),
        ([], [move(1, 0, X, Y, src_wsize=0, dst_wsize=0)], "gdma command 1 .*has an empty dimension"),
    ],
)
def test_what_cannot_be_simulated_is_an_error_that_names_the_command(build, tiu, gdma, message):
    with pytest.raises(TpucError, match=message):
        Simulator(build(tiu=tiu, gdma=gdma))


def test_an_unknown_net_or_stage_is_named(build):
    with pytest.raises(TpucError, match='unknown net "nets"; valid: net; did you mean "net"'):
        Simulator(build(), net="nets")
    with pytest.raises(TpucError, match='net "net" has 1 stages; there is no stage 1'):
        Simulator(build(), stage=1)


@pytest.mark.parametrize("stage", [{"ctx_size": 1 << 40}, {"ctx_address": 0x1000}])
def test_a_file_that_wants_more_memory_than_a_chip_has_is_an_error(build, stage):
    with pytest.raises(TpucError, match="which lie outside the chip's global memory"):
        Simulator(build(stage=stage))


def tensor(name, pieces, shape=(C, H, W)):
    return {
        "name": name,
        "storage": "f32",
        "shape": list(shape),
        "shape4": list(SHAPE),
        "scale": 1.0,
        "zero_point": 0,
        "pieces": [{"group": 0, **piece} for piece in pieces],
    }


def piece(engine, after, space, address, rows):
    strides = [0, H * W, W, 1] if space == "global" else [32, 16, W, 1]
    start, stop = rows
    return {
        "engine": engine,
        "after": after,
        "space": space,
        "address": address + start * W * 4,
        "offset": [0, 0, start, 0],
        "shape": [1, C, stop - start, W],
        "strides": strides,
    }


def test_all_tensors_are_taken_after_the_command_that_makes_them(build):
    again = arithmetic(cmd_id=2, wait=2, res0_addr=LOCAL_X, opd0_addr=LOCAL_Y)  # overwrites the tensor "in"
    entries = [
        tensor("x", [piece("gdma", 0, "global", X, (0, H))], SHAPE),
        tensor("in", [piece("gdma", 1, "local", LOCAL_BASE + LOCAL_X, (0, H))]),
        tensor("sum", [piece("tiu", 1, "local", LOCAL_Y, rows) for rows in ((0, 1), (1, H))]),
        tensor("twice", [piece("tiu", 2, "local", LOCAL_X, (0, H))]),
    ]
    simulator = Simulator(build(tiu=[arithmetic(), again], section={"tensors": entries}))
    found = simulator.run({"x": REAL}, all_tensors=True)
    assert list(found) == ["x", "in", "sum", "twice", "y"]
    one = np.float32(1)
    assert np.array_equal(found["x"], REAL)
    for name, value in (("in", REAL), ("sum", REAL + one), ("twice", REAL + one + one)):
        assert np.array_equal(found[name], value[0]), name


def test_a_tensor_that_does_not_come_to_be_as_a_whole_is_an_error(build):
    entries = [tensor("sum", [piece("tiu", 1, "local", LOCAL_Y, (0, 2))])]
    with pytest.raises(TpucError, match='tensor "sum": 350 of its elements are in no piece'):
        Simulator(build(section={"tensors": entries})).run({"x": REAL}, all_tensors=True)


def test_files_of_other_tools_have_no_tensor_map(build):
    with pytest.raises(TpucError, match="has no tensor map"):
        Simulator(build()).run({"x": REAL}, all_tensors=True)


def test_the_profile_has_each_command_and_the_engines_overlap(build):
    profile = Simulator(build()).profile()
    assert [(c.engine, c.cmd_id, c.start_cycle, c.cycles, c.moved_bytes) for c in profile.commands] == [
        ("tiu", 1, 1990, 2, 0),
        ("gdma", 1, 0, 1990, 4200),
        ("gdma", 2, 1992, 2623, 4200),
    ]
    assert profile.total_cycles == 1990 + 2 + 2623
    assert "total 4615 cycles, 0.005 ms at 1000 MHz" in profile.table()
