"""The table of accuracies: rows out of what was measured, and docs/accuracy.md out of docs/accuracy.json."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "regression"))

import accuracy

MEASURED = {"efficientnet_lite0": {"F16": {"images": 1000, "top1": 867, "top5": 970}, "float": {"images": 1000, "top1": 868, "top5": 971}}}


def test_rows_are_in_the_order_of_modes_with_differences_to_float():
    assert accuracy.rows(MEASURED) == [["efficientnet_lite0", "float", "86.8", "", "97.1", "", "", ""],
                                       ["efficientnet_lite0", "F16", "86.7", "-0.1", "97.0", "-0.1", "", ""]]


def test_cycles_are_compared_with_those_of_int8():
    modes = {"INT8": {"images": 10, "top1": 9, "top5": 10, "cycles": 2000}, "mixed": {"images": 10, "top1": 9, "top5": 10, "cycles": 2500}}
    assert [row[-2:] for row in accuracy.rows({"efficientnet_lite0": modes})] == [["2,000", "1.00"], ["2,500", "1.25"]]


def test_figures_on_other_images_are_not_compared():
    few = {"efficientnet_lite0": {**MEASURED["efficientnet_lite0"], "BF16": {"images": 100, "top1": 90, "top5": 99}}}
    assert accuracy.rows(few)[-1] == ["efficientnet_lite0", "BF16", "90.0", "", "99.0", "", "", ""]


def test_what_is_measured_again_takes_the_place_of_what_was():
    new = {"efficientnet_lite0": {"F16": {"images": 1000, "top1": 868, "top5": 971}}}
    found = accuracy.merged(MEASURED, new)["efficientnet_lite0"]
    assert found["F16"]["top1"] == 868 and found["float"] == MEASURED["efficientnet_lite0"]["float"]


def test_the_document_is_up_to_date():
    results = json.loads(accuracy.RESULTS.read_text(encoding="utf-8"))
    assert accuracy.REPORT.read_text(encoding="utf-8") == accuracy.document(results), "run `python regression/accuracy.py --write`"
