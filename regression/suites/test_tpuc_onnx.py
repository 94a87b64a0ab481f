"""ONNX files are imported as onnxruntime computes them, tensor by tensor."""

from __future__ import annotations

import re

import pytest
from recipes import RECIPES
from zoo_recipes import ONNX


@pytest.mark.parametrize("name", {**RECIPES, **ONNX})
def test_every_tensor_is_onnxruntimes(workshop, name):
    compared = re.search(r"(\d+) tensors compared with onnx: PASSED", workshop.transform(name))
    assert compared and int(compared[1]) >= 4
    assert (workshop.directory / f"{name}_top_f32_all_weight.npz").is_file()


@pytest.mark.parametrize("name", ["digits", "resnet18", "mobilenet_v2_dequant"])
def test_running_both_files_and_comparing_them_gives_the_same_verdict(workshop, name):
    workshop.transform(name)
    for model in (f"{name}_opt.onnx", f"{name}.mlir"):
        workshop.run(f"tpuc run --model {model} --input {name}_in_f32.npz --dump_all_tensors --output {model}.npz")
    compared = workshop.run(f"tpuc npz compare {name}.mlir.npz {name}_opt.onnx.npz --tolerance 0.999,0.999")
    assert "PASSED" in compared


def test_the_text_does_not_depend_on_the_run(workshop):
    workshop.transform("digits")
    words = f"--model_name digits --model_def {workshop.source('digits')} {RECIPES['digits'].options}"
    workshop.run(f"tpuc transform {words} --mlir again.mlir")
    first, again = ((workshop.directory / f"{name}.mlir").read_text() for name in ("digits", "again"))
    assert "again_top_f32_all_weight.npz" in again
    assert again.replace("again_top", "digits_top") == first


def test_a_model_can_end_at_an_inner_tensor(workshop):
    workshop.transform("resnet8_cifar10")
    names = [
        line.split()[0] for line in workshop.run("tpuc npz dump resnet8_cifar10_top.npz").splitlines() if line.strip()
    ]
    assert len(names) > 5
    arrays = workshop.npz("resnet8_cifar10_top.npz")
    inner = next(n for n in list(arrays)[3:] if n.endswith("_Relu")).removesuffix("_Relu")
    words = (
        f"--model_def {workshop.source('resnet8_cifar10')} {RECIPES['resnet8_cifar10'].options} --output_names {inner}"
    )
    workshop.run(
        f"tpuc transform --model_name inner {words} --test_input random:3 --test_result inner.npz --mlir inner.mlir"
    )
    assert f"{inner}_Relu" in workshop.npz("inner.npz")
    assert len(workshop.npz("inner.npz")) < len(arrays)
