from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tpuc_bm1684x.bmodel import Bmodel, Section, read_bmodel, write_bmodel
from tpuc_bm1684x.bmodel.certificate import Certificate, attach_certificate, part_hashes, stored_test_input

from tpuc_core.certify import certificate, prove, tensor_sha256
from tpuc_core.errors import TpucError


def proof(x: np.ndarray) -> dict:
    tensors = {"y": x + np.float32(0.5)}
    return certificate(
        prove(tensors, tensors, {"y": "tpu.Add"}),
        None,
        sources={"mlir": "0" * 64},
        inputs={"x": x},
        input_words="random:0",
    )


@pytest.fixture
def certified(bmodel: Bmodel, x: np.ndarray, tmp_path: Path) -> Path:
    file = tmp_path / "half.bmodel"
    write_bmodel(file, bmodel)
    attach_certificate(file, proof(x), {"x": x})
    return file


def test_commands_and_weights_stay(bmodel: Bmodel, certified: Path) -> None:
    found, made = read_bmodel(certified).nets[0].stages[0], bmodel.nets[0].stages[0]
    assert (found.groups, found.coefficients, found.inputs) == (made.groups, made.coefficients, made.inputs)
    assert found.section is not None and made.section is not None
    assert found.section.blobs["table"] == made.section.blobs["table"]


def test_the_certificate_is_read_back(certified: Path, x: np.ndarray) -> None:
    found = Certificate.of(read_bmodel(certified))
    assert found.holds
    assert found.inputs == {"x": tensor_sha256(x)}
    assert found.tensors == {"y": tensor_sha256(x + np.float32(0.5))}
    assert found.sources == {"mlir": "0" * 64}


def test_the_hashes_are_those_of_the_finished_file(certified: Path) -> None:
    bmodel = read_bmodel(certified)
    assert Certificate.of(bmodel).parts == part_hashes(bmodel)


def test_the_test_input_is_in_the_file(certified: Path, x: np.ndarray) -> None:
    section = read_bmodel(certified).section
    assert section is not None
    np.testing.assert_array_equal(stored_test_input(section)["x"], x)


def test_a_second_certificate_replaces_the_first(certified: Path, x: np.ndarray) -> None:
    before = certified.read_bytes()
    attach_certificate(certified, proof(x), {"x": x})
    assert certified.read_bytes() == before


def test_every_part_has_its_own_hash(bmodel: Bmodel) -> None:
    before = part_hashes(bmodel)
    stage = bmodel.nets[0].stages[0]
    changes = {
        "coefficients": {"coefficients": b"other"},
        "section": {"section": Section({"name": "other"})},
        "content": {"ctx_size": 4096},
        "commands": {
            "subnets": [dataclasses.replace(stage.subnets[0], groups=[dataclasses.replace(stage.groups[0], tiu=b"x")])]
        },
    }
    for part, change in changes.items():
        bmodel.nets[0].stages = [dataclasses.replace(stage, **change)]
        after = part_hashes(bmodel)
        assert {name for name in before if before[name] != after[name]} == {part, "content"}


def test_files_without_certificate_say_so(bmodel: Bmodel) -> None:
    with pytest.raises(TpucError, match="compiled without validation"):
        Certificate.of(bmodel)
    bmodel.nets[0].stages[0].section = None
    with pytest.raises(TpucError, match="not made by tpuc"):
        Certificate.of(bmodel)
    bmodel.nets[0].stages[0].section = Section({"certificate": {"holds": True}})
    with pytest.raises(TpucError, match="damaged"):
        Certificate.of(bmodel)
