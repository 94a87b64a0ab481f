"""Calibration tables: complete, reproducible, the same however the work was spread, and better when they are tuned."""

from __future__ import annotations

import re

import pytest
from recipes import RECIPES

MODELS = ["digits", "resnet18", "efficientnet_lite0"]


def rows(text: str) -> dict[str, list[float]]:
    """Threshold, minimum and maximum by tensor."""
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {name: [float(v) for v in values] for name, *values in lines}


def table(workshop, name: str) -> str:
    return (workshop.directory / name).read_text()


@pytest.mark.parametrize("name", MODELS)
def test_every_tensor_has_a_threshold_within_its_range(workshop, name):
    workshop.calibrate(name)
    found = rows(table(workshop, f"{name}_cali_table"))
    assert workshop.npz(f"{name}_top.npz").keys() <= found.keys()
    for tensor, (threshold, low, high) in found.items():
        assert low <= high, tensor
        assert 0 < threshold <= max(abs(low), abs(high)) * 1.01 + 1e-6, tensor


METHODS = ["kl", "max", "mse", "percentile", "aciq_gauss", "aciq_laplace", "auto"]


@pytest.mark.parametrize("method", METHODS)
def test_neither_order_nor_processors_change_a_table(workshop, method):
    workshop.transform("digits")
    pictures = workshop.pictures(RECIPES["digits"].pictures)
    workshop.run(f"tpuc dataset list {pictures} --input_num 12 -o list.txt")
    lines = (workshop.directory / "list.txt").read_text().splitlines()
    assert len(lines) == 12
    (workshop.directory / "reversed.txt").write_text("\n".join(reversed(lines)) + "\n")
    tables = []
    for samples, threads in (("list.txt", 1), ("reversed.txt", 2)):
        workshop.run(f"tpuc calibrate digits.mlir --data_list {samples} --cali_method {method} -o t", threads=threads)
        tables.append(table(workshop, "t"))
    assert tables[0] == tables[1]


def test_the_largest_magnitude_is_the_threshold_of_max(workshop):
    workshop.transform("digits")
    workshop.run(
        f"tpuc calibrate digits.mlir --dataset {workshop.pictures('demo')} --input_num 5 --cali_method max -o t"
    )
    for threshold, low, high in rows(table(workshop, "t")).values():
        assert threshold == pytest.approx(max(-low, high), rel=1e-5)


def test_the_seed_decides_which_pictures_are_taken(workshop):
    workshop.transform("digits")
    words = f"tpuc calibrate digits.mlir --dataset {workshop.pictures('demo')} --input_num 5"
    for target, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert re.search(r"5 samples", workshop.run(f"{words} --seed {seed} -o {target}"))
    assert table(workshop, "a") == table(workshop, "b") != table(workshop, "c")


def test_processes_shards_and_resumed_runs_give_the_same_table(workshop):
    workshop.transform("digits")
    words = f"tpuc calibrate digits.mlir --dataset {workshop.pictures('demo')} --input_num 29"
    workshop.run(f"{words} -o whole")
    workshop.run(f"{words} --jobs 2 -o spread")
    for number in (1, 2, 3):
        workshop.run(f"{words} --shard {number}/3 -o shard{number}")
    workshop.run("tpuc calibrate --merge shard3 shard1 shard2 -o merged")
    # a sample that cannot be read ends a run as early as a kill does; what was gathered before it stays
    workshop.run(f"tpuc dataset list {workshop.pictures('demo')} --input_num 29 -o list.txt")
    lines = (workshop.directory / "list.txt").read_text().splitlines()
    for place in ("picture.npz", "list2.txt"):
        (workshop.directory / place).unlink(missing_ok=True)
    (workshop.directory / "list2.txt").write_text("\n".join([*lines, "picture.npz"]) + "\n")
    again = "tpuc calibrate digits.mlir --data_list list2.txt --checkpoint 8 -o resumed"
    workshop.run(again, code=1)
    assert (workshop.directory / "resumed.checkpoint").is_file()
    workshop.run(f"tpuc input {lines[0]} --mlir digits.mlir -o picture.npz")
    assert "goes on after" in workshop.run(f"{again} --resume")
    workshop.run("tpuc calibrate digits.mlir --data_list list2.txt -o undisturbed")
    assert table(workshop, "whole") == table(workshop, "spread") == table(workshop, "merged")
    assert table(workshop, "resumed") == table(workshop, "undisturbed")


@pytest.mark.parametrize("name", MODELS)
def test_tuning_never_makes_the_outputs_worse(workshop, name):
    workshop.transform(name)
    recipe = RECIPES[name]
    words = f"tpuc calibrate {name}.mlir --dataset {workshop.pictures(recipe.pictures)} --input_num {recipe.calibration_count}"
    printed = workshop.run(f"{words} --tune 2 -o {name}_tuned")
    found = re.search(r"outputs ([\d.]+) dB, cosine ([\d.]+) -> ([\d.]+) dB, cosine ([\d.]+)", printed)
    assert found and float(found[3]) >= float(found[1]) and float(found[4]) >= float(found[2]), printed
    report = (workshop.directory / f"{name}_tuned.tune.csv").read_text().splitlines()
    assert report[0].startswith("tensor,threshold,tuned") and f"of {len(report) - 1} proposals kept" in printed
