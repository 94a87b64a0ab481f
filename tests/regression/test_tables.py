"""docs/tables.md is what its records say, and rows made again are what is written there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "docs" / "tables.json"
AGAIN = ["mnist_8", "resnet8_cifar10_int8", "vww_96_f32"]


@pytest.fixture(scope="module", autouse=True)
def scripts():
    sys.path.insert(0, str(ROOT / "regression"))
    yield
    sys.path.remove(str(ROOT / "regression"))


@pytest.fixture(scope="module")
def records():
    return json.loads(RECORDS.read_text(encoding="utf-8"))


def test_the_page_is_rendered_from_the_records(records):
    from render_tables import render

    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == render(records)


def test_every_model_of_the_zoo_has_its_row(records):
    from tables import model_names

    assert list(records) == model_names()
    assert len(records) == 63


def test_a_model_that_does_not_get_through_has_the_reason(records):
    for name, record in records.items():
        assert "tensors" in record["import"] or record["import"]["reason"], name
        for mode, made in record["modes"].items():
            assert "cycles" in made or made["reason"], (name, mode)


def test_no_tensor_differs(records):
    for name, record in records.items():
        for mode, made in record["modes"].items():
            assert made.get("equal") == made.get("tensors"), (name, mode)
            assert made.get("vendor") != "differs", (name, mode)


@pytest.mark.parametrize(("modes", "wanted"), [(["F32"], 57), (["F16"], 57), (["INT8 sym", "INT8 asym"], 52)], ids=["F32", "F16", "INT8"])
def test_nearly_all_models_are_compiled(records, modes, wanted):
    made = [record["modes"] for record in records.values()]
    assert sum(any("cycles" in of_model.get(mode, {}) for mode in modes) for of_model in made) >= wanted


@pytest.mark.zoo
@pytest.mark.slow
@pytest.mark.parametrize("name", AGAIN)
def test_rows_made_again_are_the_same(records, name, tmp_path):
    from measure_model import MODES
    from tables import measure

    made = measure(tmp_path, name, list(MODES), None, {})
    if "make zoo" in made["import"].get("reason", ""):
        pytest.skip(made["import"]["reason"])
    written = {mode: {k: v for k, v in record.items() if k != "vendor"} for mode, record in records[name]["modes"].items()}
    assert made == {"import": records[name]["import"], "modes": written}
