"""Calibration tables: complete, reproducible, and the same on any number of processors."""

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


@pytest.mark.parametrize("method", ["kl", "max", "mse"])
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
