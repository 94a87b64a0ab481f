from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tpuc_bm1684x.bmodel import Bmodel, read_bmodel, write_bmodel
from tpuc_bm1684x.bmodel.certificate import Certificate, attach_certificate
from tpuc_bm1684x.bmodel.verify import certified_input, check_hashes, check_tensors

from tpuc_core.certify import certificate, prove
from tpuc_core.errors import TpucError


@pytest.fixture
def certified(bmodel: Bmodel, x: np.ndarray, tmp_path: Path) -> Bmodel:
    tensors = {"y": x + np.float32(0.5)}
    data = certificate(prove(tensors, tensors, {}), None, sources={}, inputs={"x": x}, input_words="random:0")
    write_bmodel(tmp_path / "half.bmodel", bmodel)
    attach_certificate(tmp_path / "half.bmodel", data, {"x": x})
    return read_bmodel(tmp_path / "half.bmodel")


def failed(checks: list) -> list[str]:
    return [check.what for check in checks if not check.holds]


def test_an_untouched_file_passes(certified: Bmodel) -> None:
    assert not failed(check_hashes(certified, Certificate.of(certified)))


def test_one_changed_weight_is_found(certified: Bmodel) -> None:
    stage = certified.nets[0].stages[0]
    stage.coefficients = stage.coefficients[:-1] + b"\x00"
    assert failed(check_hashes(certified, Certificate.of(certified))) == [
        "coefficients as certified",
        "content as certified",
    ]


def test_a_proof_that_failed_is_told(certified: Bmodel) -> None:
    bad = dataclasses.replace(Certificate.of(certified), holds=False)
    assert failed(check_hashes(certified, bad)) == ["interpreter and simulator agreed when the file was made"]


def test_the_input_is_taken_from_the_file_or_compared(certified: Bmodel, x: np.ndarray) -> None:
    spoken_of = Certificate.of(certified)
    np.testing.assert_array_equal(certified_input(certified, spoken_of)["x"], x)
    np.testing.assert_array_equal(certified_input(certified, spoken_of, {"x": x, "more": x})["x"], x)
    with pytest.raises(TpucError, match="another one"):
        certified_input(certified, spoken_of, {"x": x + 1})
    with pytest.raises(TpucError, match="not among those given"):
        certified_input(certified, spoken_of, {"z": x})


def test_other_bits_and_missing_tensors_are_found(certified: Bmodel, x: np.ndarray) -> None:
    spoken_of = Certificate.of(certified)
    right = x + np.float32(0.5)
    wrong = right.copy()
    wrong[0, 0, 0, 0] = np.nextafter(wrong[0, 0, 0, 0], np.float32(9))
    assert not failed(check_tensors(spoken_of, lambda inputs: {"y": inputs["x"] + np.float32(0.5)}, {"x": x}))
    assert failed(check_tensors(spoken_of, lambda _: {"y": wrong}, {"x": x})) == ["each has the certified bits"]
    assert failed(check_tensors(spoken_of, lambda _: {}, {"x": x})) == ["all of 1 tensors are computed"]
