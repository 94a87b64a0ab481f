"""Passes are found by name, take the tutorial's option text, and follow each other in an order that states allow."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from tpuc_core.errors import TpucError
from tpuc_core.ir import State, load_model
from tpuc_core.passes import Pass, available_passes, option, pass_of_text, pipeline, run_passes


@dataclass
class Probe(Pass):
    """Takes options of every kind.

    More about it.
    """

    name: ClassVar[str] = "probe"
    takes: ClassVar[State | None] = State.TPU_DIVIDED
    gives: ClassVar[State | None] = State.TPU_ADDRESSED
    count: int = option(2, "how many")
    ratio: float = 0.5
    is_on: bool = False
    file: str = ""
    limit: int | None = option(None, spelled="min-limit")
    hidden: dict = None

    def apply(self, model):
        model.set_attribute("probed", self.count)


@dataclass
class Before(Pass):
    """Gives what Probe takes."""

    name: ClassVar[str] = "before"
    gives: ClassVar[State | None] = State.TPU_DIVIDED

    def apply(self, model):
        pass


@pytest.fixture(autouse=True)
def probe_passes(monkeypatch):
    passes = {"probe": Probe, "before": Before, "canonicalize": available_passes()["canonicalize"]}
    monkeypatch.setattr(pipeline, "available_passes", lambda: passes)


def test_options_are_read_in_their_kind():
    assert pass_of_text("--probe=count=3 ratio=1.5 is_on=True file='a b' min-limit=4") == Probe(3, 1.5, True, "a b", 4)
    assert pass_of_text("probe") == Probe()
    assert pass_of_text("--probe=file= is_on=0") == Probe()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--prob", 'unknown pass "--prob"; valid: --before, --canonicalize, --probe; did you mean "--probe"'),
        ("--probe=cuont=3", '--probe has no option "cuont"; valid: count, ratio, is_on, file, min-limit; did you mean "count"'),
        ("--before=x=1", '--before has no option "x"; it has none'),
        ("--probe=count", '--probe: option "count" has no value; write count=VALUE'),
        ("--probe=count=1.5", '--probe: count cannot be "1.5"; a whole number is wanted'),
        ("--probe=ratio=much", '--probe: ratio cannot be "much"; a number is wanted'),
        ("--probe=is_on=perhaps", '--probe: is_on cannot be "perhaps"; valid: true, false'),
        ("--probe=hidden=1", '--probe has no option "hidden"'),
        ("--probe=file='a", "is not complete"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_what_is_right(text, message):
    with pytest.raises(TpucError) as error:
        pass_of_text(text)
    assert message in str(error.value)


def test_usage_and_summary():
    usage, summary = pipeline.describe(Probe)
    assert usage == '--probe="count=2 ratio=0.5 is_on=false file= min-limit="'
    assert summary == "Takes options of every kind."


def test_passes_take_and_give_states(data):
    model = load_model(data / "cnn.mlir")
    with pytest.raises(TpucError, match=r"--probe takes TPU_DIVIDED; this file is TOP_F32: run --before first"):
        run_passes(model, [Probe()])
    run_passes(model, [Before(), Probe(7)])
    assert (model.state, model.get_attribute("probed")) == (State.TPU_ADDRESSED, 7)
    with pytest.raises(TpucError, match=r"--probe takes TPU_DIVIDED; this file is TPU_ADDRESSED$"):
        run_passes(model, [Probe()])
