from __future__ import annotations

import dataclasses
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tpuc_bm1684x.bmodel import Bmodel, encode_bmodel, read_bmodel

from tpuc_core.errors import TpucError


def with_bytes(data: bytes, position: int, new: bytes) -> bytes:
    return data[:position] + new + data[position + len(new) :]


def test_read_gives_what_was_written(bmodel: Bmodel) -> None:
    found = read_bmodel(encode_bmodel(bmodel))
    assert dataclasses.replace(found, version="", time="") == bmodel


def test_groups_of_all_subnets_come_in_order(bmodel: Bmodel) -> None:
    stage = bmodel.nets[0].stages[0]
    stage.subnets *= 2
    stage.subnets[0] = dataclasses.replace(stage.subnets[0], next_ids=[1])
    assert len(read_bmodel(encode_bmodel(bmodel)).nets[0].stages[0].groups) == 2


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda d: b"", "0 bytes are less than its head"),
        (lambda d: d[:1000], "truncated: 1000 bytes of"),
        (lambda d: with_bytes(d, 0, b"ONNX"), "its magic is 0x584e4e4f"),
        (lambda d: with_bytes(d, 4, struct.pack("<I", 80)), "its head says 80 bytes"),
        (lambda d: with_bytes(d, 64, struct.pack("<I", 0x7FFFFFFF)), "an offset of 0x7fffffff"),
        (lambda d: d.replace(b"BM1684X\0", b"BM1688\0\0"), "for the chip"),
        (
            lambda d: d.replace(struct.pack("<QQ", 0, 4096), struct.pack("<QQ", 1 << 40, 4096)),
            "outside its binary part",
        ),
    ],
)
def test_damage_is_one_sentence(bmodel: Bmodel, tmp_path: Path, damage, words: str) -> None:
    file = tmp_path / "net.bmodel"
    file.write_bytes(damage(encode_bmodel(bmodel)))
    with pytest.raises(TpucError, match=r"net\.bmodel") as error:
        read_bmodel(file)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TpucError, match="no such file"):
        read_bmodel(tmp_path / "none.bmodel")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.data())
def test_any_flipped_byte_is_read_or_refused(bmodel: Bmodel, data: st.DataObject) -> None:
    good = encode_bmodel(bmodel)
    position = data.draw(st.integers(0, 4095))
    try:
        read_bmodel(with_bytes(good, position, bytes([data.draw(st.integers(0, 255))])))
    except TpucError as error:
        assert "\n" not in str(error)
