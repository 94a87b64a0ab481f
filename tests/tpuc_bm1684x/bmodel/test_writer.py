from __future__ import annotations

import dataclasses
import hashlib
import struct
from pathlib import Path

import pytest
from tpuc_bm1684x.bmodel import Bmodel, encode_bmodel, padded_stream, read_bmodel, write_bmodel
from tpuc_bm1684x.bmodel.reader import HEAD

from tpuc_core.errors import TpucError

PAGE = 4096


def test_equal_content_gives_equal_bytes(bmodel: Bmodel) -> None:
    assert encode_bmodel(bmodel) == encode_bmodel(read_bmodel(encode_bmodel(bmodel)))


def test_the_binary_part_starts_at_a_page(bmodel: Bmodel) -> None:
    data = encode_bmodel(bmodel)
    _, head, tables, binary = HEAD.unpack_from(data)
    assert (head + tables) % PAGE == 0
    assert head + tables + binary == len(data)


def test_binaries_come_in_the_order_coefficients_tiu_gdma_section(bmodel: Bmodel) -> None:
    data = encode_bmodel(bmodel)
    stage = bmodel.nets[0].stages[0]
    group = stage.groups[0]
    places = [data.index(part) for part in (stage.coefficients, group.tiu, group.gdma, b"TPUCSECT")]
    assert places == sorted(places)
    assert all(place % PAGE == 0 for place in places)


def test_equal_binaries_are_stored_once(bmodel: Bmodel) -> None:
    once = len(encode_bmodel(bmodel))
    bmodel.nets.append(dataclasses.replace(bmodel.nets[0], name="again"))
    assert len(encode_bmodel(bmodel)) < once + PAGE


def test_the_check_code_is_the_hash_of_the_coefficients(bmodel: Bmodel) -> None:
    assert hashlib.sha256(bmodel.nets[0].stages[0].coefficients).digest() in encode_bmodel(bmodel)


def test_no_time_is_in_the_file(bmodel: Bmodel) -> None:
    assert read_bmodel(encode_bmodel(bmodel)).time == "Thu Jan  1 00:00:00 1970\n"


@pytest.mark.parametrize("length", [1, 127, 128, 129])
def test_streams_are_padded_to_128_bytes(length: int) -> None:
    padded = padded_stream(b"x" * length)
    assert len(padded) % 128 == 0 and padded.rstrip(b"\0") == b"x" * length and len(padded) - length < 128


@pytest.mark.parametrize(
    ("change", "words"), [({"kind": "cpu"}, "a cpu subnet"), ({"is_dynamic": True}, "a dynamic subnet")]
)
def test_what_only_other_tools_write_is_refused(bmodel: Bmodel, change: dict, words: str) -> None:
    stage = bmodel.nets[0].stages[0]
    stage.subnets = [dataclasses.replace(stage.subnets[0], **change)]
    with pytest.raises(TpucError, match=words):
        encode_bmodel(bmodel)


def test_no_half_file_where_the_directory_is_missing(bmodel: Bmodel, tmp_path: Path) -> None:
    with pytest.raises(TpucError, match="cannot write"):
        write_bmodel(tmp_path / "none" / "net.bmodel", bmodel)


def test_the_head_is_that_of_the_format(bmodel: Bmodel) -> None:
    assert struct.unpack_from("<II", encode_bmodel(bmodel)) == (0xFF55AAEE, 64)
