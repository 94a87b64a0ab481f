"""Cycles of single commands, of schedules, and of whole files (those of the vendor's own profiles)."""

import pytest
from tpuc_bm1684x.isa import FORM_BY_NAME, ElementType
from tpuc_bm1684x.isa.memory_map import GLOBAL_BASE, LANE_BYTES, LOCAL_BASE
from tpuc_bm1684x.simulator.simulator import Simulator
from tpuc_bm1684x.simulator.timing import Span, schedule, tiu_cycles
from tpuc_bm1684x.simulator.timing_dma import gdma_cycles
from vendor_nets import DATA

from tpuc_core.errors import TpucError

I8, F32, I32 = ElementType.I8, ElementType.F32, ElementType.I32
PLANE = {"res0_n": 2, "res0_c": 70, "res0_h": 9, "res0_w": 10}  # two passes over the lanes


def command(form, **fields):
    return FORM_BY_NAME[form](**fields)


@pytest.mark.parametrize(
    "form, fields, cycles",
    [
        ("sCONV", {**PLANE, "opd0_c": 65, "opd1_h": 3, "opd1_w": 2}, 2 * 2 * 23 * 6 * 2),
        ("sCONV", {**PLANE, "opd0_prec": F32, "opd0_c": 65, "opd1_h": 3, "opd1_w": 2}, 2 * 2 * 6 * 6 * 65),
        (
            "sCONV",
            {**PLANE, "res0_c": 2, "res0_addr": 63 * LANE_BYTES, "opd0_c": 1, "opd1_h": 1, "opd1_w": 1},
            2 * 2 * 23,
        ),
        ("sPorD", {**PLANE, "opd1_h": 3, "opd1_w": 3, "res_op_x_str": 1, "res_op_y_str": 1}, 2 * 2 * 2 * 9),
        ("sPorD", {**PLANE, "opd1_h": 3, "opd1_w": 3, "res_op_x_str": 2, "res_op_y_str": 2}, 2 * 2 * 2 * 9 * 3),
        ("sPorD", {**PLANE, "opd1_h": 1, "opd1_w": 3, "res_op_x_str": 1, "res_op_y_str": 1}, 2 * 2 * 9 * 1 * 3),
        (
            "sMM",
            {"res0_c": 3, "res0_w": 20, "opd0_prec": F32, "opd0_n": 4, "opd0_c": 2, "opd0_w": 16, "opd1_w": 7},
            4 * 2 * (23 + 1),
        ),
        ("sMM2", {"res0_c": 65, "res0_w": 5, "tsk_eu_typ": 4, "opd1_c": 100}, 2 * 2 * 2),
        ("sAR", {**PLANE, "tsk_opd_num": 2, "res0_addr": 64, "opd1_const": 1}, 2 * 2 * 2),
        ("sAR", {**PLANE, "tsk_opd_num": 2, "opd1_const": 1}, 2 * 2 * 2 * 2),  # the result lies on an operand
        (
            "sAR",
            {
                **PLANE,
                "tsk_eu_typ": 12,
                "tsk_opd_num": 2,
                "res0_prec": F32,
                "opd0_prec": F32,
                "opd1_prec": F32,
                "opd2_n_str": 2,
                "res0_addr": 64,
            },
            2 * 2 * 6 * 31,
        ),
        (
            "sAR",
            {**PLANE, "tsk_opd_num": 1, "res0_addr": 64, "opd0_str": 3, "opd0_h_str": 30, "opd0_w_str": 3},
            2 * 2 * 2 * 3,
        ),
        ("sRQDQ", {**PLANE, "opd0_prec": I32, "res0_addr": 0x4000}, 2 * 2 * 6),
        ("sRQDQ", {**PLANE, "opd0_prec": I32}, 2 * 2 * 6 * 2),
        ("sSFU", {**PLANE, "tsk_eu_typ": 17, "opd0_prec": F32}, 2 * 2 * 6 * 30),
        ("sCMP", {**PLANE, "opd0_prec": F32}, 2 * 2 * 2 * 6),
        ("sSG", {**PLANE, "tsk_eu_typ": 5}, 2 * 2 * 10),
        ("sTRANSBC", {**PLANE, "tsk_eu_typ": 2}, 2 * 70 * 2),
        ("SYSID", {}, 0),
    ],
)
def test_tiu_commands_cost_what_the_estimate_says(form, fields, cycles):
    assert tiu_cycles(command(form, **fields)) == cycles


def tensor(source, target, **fields):
    shape = {f"{side}_{axis}size": size for side in ("src", "dst") for axis, size in zip("nchw", (1, 4, 8, 100))}
    strides = {
        f"{side}_{axis}stride": size for side in ("src", "dst") for axis, size in zip("nchw", (3200, 800, 100, 1))
    }
    return command(
        "DMA_tensor", src_start_addr=source, dst_start_addr=target, stride_enable=1, **shape, **strides | fields
    )


@pytest.mark.parametrize(
    "moved, cycles",
    [
        (tensor(GLOBAL_BASE, LOCAL_BASE), int(4 * 800 / 13.504177)),
        (tensor(LOCAL_BASE, GLOBAL_BASE), int(4 * 800 / 10.244549)),
        (
            tensor(GLOBAL_BASE, LOCAL_BASE, src_hstride=101),
            int(32 * 256 / 13.504177),
        ),  # runs of one row, at least a burst
        (tensor(GLOBAL_BASE, LOCAL_BASE, src_cstride=4096), int(4 * 800 / (13.504177 * 4))),  # four memory channels
        (tensor(0, LOCAL_BASE, fill_constant_en=1), int(4 * 800 / 58)),
        (
            command(
                "DMA_matrix",
                src_start_addr=GLOBAL_BASE,
                dst_start_addr=LOCAL_BASE,
                src_hsize=10,
                src_wsize=64,
                dst_wsize=16,
                src_data_format=F32,
            ),
            int(10 * 4 * 256 / 58),
        ),
        (command("DMA_general", src_start_addr=GLOBAL_BASE, dst_start_addr=LOCAL_BASE, src_cstride=6400), 100),
        (command("DMA_gather", src_csize=1, index_csize=2, dst_hsize=16, src_wsize=4), 2),
        (command("sDMA_sys"), 0),
    ],
)
def test_gdma_commands_cost_what_the_estimate_says(moved, cycles):
    assert gdma_cycles(moved) == cycles


def test_a_form_without_an_estimate_is_an_error():
    with pytest.raises(TpucError, match="there is no estimate for LAR"):
        tiu_cycles(command("LAR"))


def test_commands_start_when_their_engine_is_free_and_what_they_wait_for_has_ended():
    tiu, gdma = schedule([(1, 1, 10), (2, 0, 5)], [(1, 0, 100), (2, 2, 7)])
    assert tiu == [Span(100, 110), Span(110, 115)]
    assert gdma == [Span(0, 100), Span(115, 122)]


def test_a_schedule_with_a_circle_is_an_error():
    with pytest.raises(TpucError, match="deadlock"):
        schedule([(1, 1, 1)], [(1, 1, 1)])


@pytest.mark.parametrize(
    "name, cycles",
    [("residual_int8", 2602), ("residual_f32", 3414), ("dense_asymmetric", 3075), ("functions_f32", 3302)],
)
def test_whole_files_take_the_cycles_of_the_vendors_profile(name, cycles):
    assert Simulator(DATA / f"{name}.bmodel").profile().total_cycles == cycles
