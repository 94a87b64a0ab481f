"""Caffe files: imported as OpenCV computes them, compiled, proven, and run in the vendor's runtime."""

from __future__ import annotations

import re

import numpy as np
import pytest
from workshop import CommandFailed
from zoo_recipes import CAFFE

MODES = ["f32", "f16", "bf16", "int8"]
each_model = pytest.mark.parametrize("name", CAFFE)
each_mode = pytest.mark.parametrize("mode", MODES)
DETECTORS = {"res10_ssd_face": ("detection_out", "zidane.jpg"), "wechat_qr_detect": ("detection_output", "page.png")}


@each_model
def test_every_tensor_is_opencvs(workshop, name):
    compared = re.search(r"(\d+) tensors compared with caffe: PASSED", workshop.transform(name))
    assert compared and int(compared[1]) >= 24
    assert 'module.platform = "CAFFE"' in (workshop.directory / f"{name}.mlir").read_text(encoding="utf-8")


@each_model
def test_running_both_files_gives_the_same_outputs(workshop, name):
    workshop.transform(name)
    prototxt, caffemodel = workshop.sources(name)
    for words, target in ((f"{prototxt} --weight {caffemodel}", "engine.npz"), (f"{name}.mlir", "imported.npz")):
        workshop.run(f"tpuc run --model {words} --input {name}_in_f32.npz --output {target}")
    assert workshop.npz("engine.npz").keys() == workshop.npz("imported.npz").keys()
    workshop.run("tpuc npz compare imported.npz engine.npz --tolerance 0.999,0.999")


@each_model
@each_mode
def test_the_compiled_file_is_proven(workshop, name, mode):
    proof = re.search(r"^proof: (\d+) tensors, (\d+) equal", workshop.deploy(name, mode), re.MULTILINE)
    assert proof and proof[1] == proof[2] and int(proof[1]) >= 24
    assert "holds" in workshop.run(f"tpuc bmodel verify {name}_{mode}.bmodel")


@pytest.mark.parametrize("name", DETECTORS)
@each_mode
def test_boxes_are_computed_behind_the_chip(workshop, name, mode):
    output, picture = DETECTORS[name]
    assert f'note: "{output}" (DetectionOutput) is computed behind the chip' in workshop.deploy(name, mode)
    pictures = workshop.pictures(CAFFE[name].pictures)
    for model in (f"{name}_{mode}.bmodel", f"{name}.mlir"):
        workshop.run(f"tpuc run --model {model} --input {pictures / picture} --output {model}.npz")
    found, wanted = (workshop.npz(f"{model}.npz")[output].reshape(-1, 7) for model in (f"{name}_{mode}.bmodel", f"{name}.mlir"))
    sure = wanted[:, 2] > 0.7
    np.testing.assert_allclose(found[sure][:, :2], wanted[sure][:, :2])
    np.testing.assert_allclose(found[sure][:, 2:], wanted[sure][:, 2:], atol=0.1 if mode == "int8" else 0.02 if "16" in mode else 0.001)
    assert sure.sum() == (2 if name == "res10_ssd_face" else 0)


@pytest.mark.vendor
@each_model
@pytest.mark.parametrize("mode", ["f32", "int8"])
def test_the_vendors_runtime_gives_the_simulators_bytes(workshop, name, mode):
    workshop.deploy(name, mode)
    words = f"tpuc run --model {name}_{mode}.bmodel --input {name}_in_f32.npz --out_fixed"
    workshop.run(f"{words} --output simulator.npz")
    try:
        workshop.run(f"{words} --runner bmrt --output bmrt.npz")
    except CommandFailed as failed:
        if "no runtime library found" not in str(failed):
            raise
        pytest.skip("the vendor's runtime is not installed: run `make vendor`")
    ours, theirs = workshop.npz("simulator.npz"), workshop.npz("bmrt.npz")
    assert {n: a.tobytes() for n, a in ours.items()} == {n: a.tobytes() for n, a in theirs.items()}


def test_prepared_as_its_authors_say_the_classifier_finds_nothing_in_a_photo_of_coffee(workshop):
    name = "open_nsfw_resnet50_1by2"
    workshop.transform(name)
    picture = workshop.pictures(CAFFE[name].pictures) / "coffee.png"
    workshop.run(f"tpuc run --model {name}.mlir --input {picture} --output out.npz")
    assert workshop.npz("out.npz")["prob"][0, 0] > 0.95
