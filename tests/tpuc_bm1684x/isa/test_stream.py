"""Walking, closing and printing command streams."""

import pytest
from tpuc_bm1684x.isa import FORM_BY_NAME, decode_stream, disassemble, join_stream

from tpuc_core.errors import TpucError

CONV = FORM_BY_NAME["sCONV"]
TENSOR = FORM_BY_NAME["DMA_tensor"]


def test_closing_commands_have_the_bytes_of_compiled_files():
    assert join_stream("tiu", [CONV.encode()] * 5)[320:336].hex() == "0c00000000fe03000000000000000000"
    assert join_stream("gdma", [TENSOR.encode()] * 7)[672:688].hex() == "28100000060000000000000000000000"


def test_streams_are_padded_to_128_bytes():
    assert len(join_stream("tiu", [CONV.encode()])) == 128
    assert len(join_stream("tiu", [])) == 128


def test_a_stream_is_walked_by_the_length_of_each_form():
    forms = [FORM_BY_NAME[name] for name in ("sCONV", "sAR", "sMM", "sRQDQ", "AR", "sSG", "sSFU", "sCMP")]
    commands = [form.encode(cmd_id=i + 1) for i, form in enumerate(forms)]
    decoded = decode_stream("tiu", join_stream("tiu", commands))
    assert [c.form for c in decoded] == [form.form for form in forms] + ["SYSID"]
    assert [c.cmd_id for c in decoded] == list(range(1, 10))


def test_matrix_and_line_forms_are_told_apart_by_their_operation():
    commands = [
        FORM_BY_NAME["sMM"].encode(tsk_eu_typ=1),
        FORM_BY_NAME["sMM2"].encode(tsk_eu_typ=4),
        FORM_BY_NAME["sSG"].encode(tsk_eu_typ=5),
        FORM_BY_NAME["sSGL"].encode(tsk_eu_typ=17),
    ]
    assert [c.form for c in decode_stream("tiu", join_stream("tiu", commands))] == [
        "sMM",
        "sMM2",
        "sSG",
        "sSGL",
        "SYSID",
    ]


def test_disassembly_shows_ids_waits_names_and_what_is_not_default():
    tiu = [CONV.encode(cmd_id=1, cmd_id_dep=2, res0_prec=4, res0_n=1, res0_c=64, opd0_addr=0x4000, pad_mode=2)]
    gdma = [
        TENSOR.encode(cmd_id=1, src_start_addr=0x1_0000_1000, src_nsize=1, cmd_special_function=3),
        TENSOR.encode(cmd_id=2, fill_constant_en=1, localmem_mask=1),
    ]
    assert list(disassemble("tiu", join_stream("tiu", tiu))) == [
        "1 (waits 2) sCONV conv pad_mode=edge res0_prec=i32 res0_n=1 res0_c=64 opd0_addr=0x4000",
        "2 SYSID end",
    ]
    assert list(disassemble("gdma", join_stream("gdma", gdma))) == [
        "1 DMA_tensor broadcast src_nsize=1 src_start_addr=0x100001000",
        "2 DMA_tensor fill fill_constant_en=1 localmem_mask=1",
        "3 sDMA_sys end",
    ]


def test_an_unknown_opcode_names_command_and_place():
    bad = CONV.encode() + (1 | 11 << 41).to_bytes(64, "little")
    with pytest.raises(TpucError, match="command 2 at byte 64 of the tiu stream: short tiu command with opcode 11"):
        decode_stream("tiu", bad)


def test_a_stream_without_a_closing_command_is_an_error():
    with pytest.raises(TpucError, match="ends before its closing command"):
        decode_stream("gdma", TENSOR.encode())
