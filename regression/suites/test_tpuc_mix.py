"""Mixed precision on real models, through public commands: search, deploy with the table, proof, accuracy and cycles."""

from __future__ import annotations

import csv
import re

import pytest

GAIN = 1.3
"""Cycles of a mixed file against those of INT8."""


def searched(workshop, name, words):
    """The rows of the search's CSV, cheapest first; the table is NAME_qtable."""
    workshop.calibrate(name)
    printed = workshop.once(f"tpuc search {name}.mlir --calibration_table {name}_cali_table {words} -o {name}_qtable --csv {name}_front.csv")
    assert "chosen" in printed
    with open(workshop.directory / f"{name}_front.csv", newline="") as file:
        return list(csv.DictReader(file))


def deployed(workshop, name):
    """What the deployment with the table prints."""
    return workshop.once(
        f"tpuc deploy --mlir {name}.mlir --chip bm1684x --quantize INT8 --calibration_table {name}_cali_table"
        f" --quantize_table {name}_qtable --test_input {name}_in_f32.npz --model {name}_mixed.bmodel"
    )


@pytest.mark.parametrize("name, pictures", [
    ("digits", "demo"), ("efficientnet_lite0", "imagenet1k_256"), ("mobilenet_v2_dequant", "imagenet1k_256")])
def test_a_mixed_model_is_nearer_to_float_and_proven(workshop, name, pictures):
    samples = f"--dataset {workshop.pictures(pictures)} --input_num 16 --sensitivity_num 2"
    rows = searched(workshop, name, f"{samples} --mode_high F16 --target_cos 0.9995 --measure_num 5")
    chosen, = [row for row in rows if row["is_chosen"] == "1"]
    nothing, = [row for row in rows if row["op_count"] == "0"]
    assert float(chosen["figure"]) >= max(0.9995, float(nothing["figure"]))
    assert int(chosen["cycles"]) <= GAIN * int(nothing["cycles"])
    proof = re.search(r"^proof: (\d+) tensors, (\d+) equal", deployed(workshop, name), re.MULTILINE)
    assert proof and proof[1] == proof[2]
    cycles = re.search(r"^time: ([\d,]+) cycles", deployed(workshop, name), re.MULTILINE)
    assert cycles and int(cycles[1].replace(",", "")) == int(chosen["cycles"])


def test_top1_is_a_target(workshop):
    labelled = workshop.pictures("demo").with_name("test")
    rows = searched(workshop, "digits", f"--dataset {labelled} --mode_high F16,F32 --target_top1_drop 0.2 --measure_num 4")
    assert any(row["is_chosen"] == "1" for row in rows)


def test_the_table_is_refused_by_another_model(workshop):
    searched(workshop, "digits", f"--dataset {workshop.pictures('demo')} --mode_high F16 --target_cos 0.99999 --measure_num 3")
    workshop.calibrate("resnet18")
    printed = workshop.run(
        "tpuc deploy --mlir resnet18.mlir --chip bm1684x --quantize INT8 --calibration_table resnet18_cali_table"
        " --quantize_table digits_qtable --skip_validation --model x.bmodel", code=1)
    assert "is the table of another model" in printed


def test_attribution(workshop):
    workshop.calibrate("digits")
    printed = workshop.run(f"tpuc attribute digits.mlir --calibration_table digits_cali_table --dataset {workshop.pictures('demo')} --input_num 8")
    assert "weight rounding" in printed and "next: tpuc " in printed
