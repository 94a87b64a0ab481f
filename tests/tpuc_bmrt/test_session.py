from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tpuc_bmrt.plugin import BmrtRunner
from tpuc_bmrt.session import BmrtSession

from tpuc_core.errors import TpucError
from tpuc_core.session import TensorInfo

X = np.array([[0, 0.5, 1], [-1, 2, 100]], np.float32)
STORED = np.array([[0, 1, 2], [-2, 4, 127]], np.int8)  # times 2, saturated
SUM = np.array([[1, 2, 3], [-1, 5, -128]], np.int8)  # plus 1; the last one wraps


def test_real_values_go_in_and_come_out(open_model) -> None:
    with open_model("good") as session:
        np.testing.assert_array_equal(session.run({"x": X})["y"], SUM * np.float32(0.5))
        np.testing.assert_array_equal(session.run({"x": X}, dequantize=False)["y"], SUM)
        np.testing.assert_array_equal(session.run({"x": STORED}, dequantize=False)["y"], SUM)


def test_ends_are_described_with_scales_from_stored_to_real(open_model) -> None:
    with open_model("good") as session:
        assert session.inputs == [TensorInfo("x", (2, 3), "int8", 0.5, 0)]
        assert session.outputs == [TensorInfo("y", (2, 3), "int8", 0.5, 0)]


def test_run_many_loads_the_file_once(open_model) -> None:
    with open_model("good") as session:
        assert len(list(session.run_many([{"x": X}] * 3))) == 3
        assert len(session.seconds) == 3
        assert session._log.read_text().count("loading") == 1


def test_one_array_serves_one_input_whatever_its_name(open_model) -> None:
    with open_model("good") as session:
        assert session.run({"data": STORED})["y"].shape == (2, 3)
        with pytest.raises(TpucError, match='unknown input "x"; valid: a, b'):
            session.run({"a": X, "b": X})


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        ("abort", "killed by signal 6"),
        ("exit", "ended with status 7"),
        ("fail", "the launch failed"),
    ],
)
def test_a_bad_end_of_a_launch_is_told_with_the_last_words(open_model, manner: str, words: str) -> None:
    session: BmrtSession = open_model(manner)
    with pytest.raises(TpucError) as error:
        session.run({"x": X})
    assert words in str(error.value)
    assert f"loading {manner}" in str(error.value)


def test_a_hanging_launch_is_ended(open_model) -> None:
    session = open_model("hang")
    session.timeout_seconds = 0.2
    with pytest.raises(TpucError, match=r"no answer within 0\.2 s"):
        session.run({"x": X})
    assert session._process.poll() is not None


def test_after_its_death_a_session_says_so_again(open_model) -> None:
    session = open_model("abort")
    for _ in range(2):
        with pytest.raises(TpucError, match="killed by signal 6"):
            session.run({"x": X})


def test_a_refused_file_is_one_sentence(open_model) -> None:
    with pytest.raises(TpucError, match=r'^"net\.bmodel" in the vendor\'s runtime: the runtime refuses the file'):
        open_model("refuse")


def test_all_tensors_are_not_to_be_had(open_model) -> None:
    with open_model("good") as session, pytest.raises(TpucError, match="the simulator gives every tensor"):
        session.run({"x": X}, all_tensors=True)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TpucError, match="no such file"):
        BmrtRunner().open(tmp_path / "none.bmodel")


def test_a_timeout_must_be_a_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TPUC_BMRT_TIMEOUT", "soon")
    (tmp_path / "net.bmodel").touch()
    with pytest.raises(TpucError, match='TPUC_BMRT_TIMEOUT is "soon"'):
        BmrtSession(tmp_path / "net.bmodel")
