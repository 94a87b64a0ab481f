"""Compiled files are proven: interpreter = simulator, every tensor, bit for bit, and the same file each time."""

from __future__ import annotations

import re

import numpy as np
import pytest
from recipes import RECIPES

MODES = ["f32", "f16", "bf16", "int8", "int8_asym"]
each_model = pytest.mark.parametrize("name", RECIPES)
each_mode = pytest.mark.parametrize("mode", MODES)


def assert_same_bytes(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    assert ours.keys() == theirs.keys()
    different = [n for n in ours if ours[n].dtype != theirs[n].dtype or ours[n].tobytes() != theirs[n].tobytes()]
    assert not different


@each_model
@each_mode
def test_every_tensor_of_the_simulator_is_the_interpreters(workshop, name, mode):
    proof = re.search(r"^proof: (\d+) tensors, (\d+) equal", workshop.deploy(name, mode), re.MULTILINE)
    assert proof and proof[1] == proof[2] and int(proof[1]) > 3
    assert "holds" in workshop.run(f"tpuc bmodel verify {name}_{mode}.bmodel")


@each_model
@each_mode
def test_both_agree_on_another_input(workshop, name, mode):
    workshop.deploy(name, mode)
    files = {f"{name}_{mode}.bmodel": "simulated.npz", workshop.lowered(name, mode): "interpreted.npz"}
    for model, target in files.items():
        workshop.run(f"tpuc run --model {model} --input random:7 --dump_all_tensors --out_fixed --output {target}")
    simulated, interpreted = (workshop.npz(target) for target in files.values())
    common = simulated.keys() & interpreted.keys()
    assert len(common) >= 0.9 * len(interpreted)
    assert_same_bytes({n: simulated[n] for n in common}, {n: interpreted[n] for n in common})


@pytest.mark.parametrize("name", ["digits", "resnet18", "ultraface_rfb_320"])
@each_mode
def test_two_builds_on_one_and_two_processors_give_the_same_bytes(workshop, name, mode):
    built = []
    for threads in (1, 2):
        workshop.run(workshop.deploy_words(name, mode, "again.bmodel") + " --skip_validation", threads=threads)
        built.append((workshop.directory / "again.bmodel").read_bytes())
    assert built[0] == built[1]


@pytest.mark.parametrize("name", ["digits", "resnet18", "efficientnet_lite0"])
@each_mode
def test_one_and_two_threads_compute_the_same(workshop, name, mode):
    workshop.deploy(name, mode)
    for model in (f"{name}_{mode}.bmodel", workshop.lowered(name, mode)):
        results = []
        for threads in (1, 2):
            workshop.run(
                f"tpuc run --model {model} --input {name}_in_f32.npz --dump_all_tensors --out_fixed --output t.npz",
                threads=threads,
            )
            results.append(workshop.npz("t.npz"))
        assert_same_bytes(*results)


@each_mode
def test_the_profile_counts_every_command(workshop, mode):
    workshop.deploy("digits", mode)
    printed = workshop.run(f"tpuc run --model digits_{mode}.bmodel --input digits_in_f32.npz --profile")
    assert re.search(r"[\d,]+ cycles", printed)


def test_a_changed_file_does_not_verify(workshop):
    workshop.deploy("digits", "int8")
    data = bytearray((workshop.directory / "digits_int8.bmodel").read_bytes())
    weights = workshop.run("tpuc bmodel info digits_int8.bmodel")
    assert "digits" in weights
    data[len(data) // 2] ^= 1
    (workshop.directory / "changed.bmodel").write_bytes(data)
    workshop.run("tpuc bmodel verify changed.bmodel", code=1)
