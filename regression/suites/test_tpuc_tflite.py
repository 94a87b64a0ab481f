"""TFLite files are imported as LiteRT computes them, tensor by tensor, and compiled; pre-quantized ones without calibration."""

from __future__ import annotations

import re

import pytest
from zoo_recipes import TFLITE

QUANTIZED = [name for name, recipe in TFLITE.items() if recipe.is_quantized]
FLOAT = [name for name in TFLITE if name not in QUANTIZED]


@pytest.mark.parametrize("name", TFLITE)
def test_every_tensor_is_litert_s(workshop, name):
    compared = re.search(r"(\d+) tensors compared with tflite: PASSED", workshop.transform(name))
    assert compared and int(compared[1]) >= 14


@pytest.mark.parametrize("name", ["resnet8_cifar10_f32", "mobilenet_v2_quant_uint8", "efficientnet_lite0_int8"])
def test_running_both_files_and_comparing_them_gives_the_same_verdict(workshop, name):
    workshop.transform(name)
    for model, target in ((workshop.source(name), "theirs.npz"), (f"{name}.mlir", "ours.npz")):
        workshop.run(f"tpuc run --model {model} --input {name}_in_f32.npz --dump_all_tensors --output {target}")
    compared = workshop.run("tpuc npz compare ours.npz theirs.npz --tolerance 0.999,0.99")
    assert "PASSED" in compared


@pytest.mark.parametrize("name", FLOAT)
def test_a_float_model_is_compiled_and_proven(workshop, name):
    assert_proven(workshop.deploy(name, "f32"))


@pytest.mark.parametrize("name", QUANTIZED)
def test_a_quantized_model_is_compiled_and_proven_without_calibration(workshop, name):
    workshop.transform(name)
    printed = workshop.once(deploy_words(name))
    assert_proven(printed)
    planned = re.search(r"plan: (\d+) ops in INT8(?:, (\d+) ops in F32)?", printed)
    assert planned and int(planned[2] or 0) <= 2


@pytest.mark.parametrize("name", QUANTIZED)
def test_a_quantized_model_runs_planned_too(workshop, name):
    workshop.transform(name)
    words = f"--mlir {name}.mlir --chip bm1684x --quantize F32 --test_input {name}_in_f32.npz --tolerance 0.9,0.5"
    assert_proven(workshop.run(f"tpuc deploy {words} --model {name}_f32.bmodel"))


@pytest.mark.vendor
@pytest.mark.parametrize("name", ["resnet8_cifar10_int8", "mobilenet_v1_05_160_quant_uint8", "vww_96_int8"])
def test_outputs_are_the_vendors_byte_for_byte(workshop, name):
    workshop.transform(name)
    workshop.once(deploy_words(name))
    outputs = []
    for runner in ("", "--runner bmrt"):
        workshop.run(f"tpuc run --model {name}_int8.bmodel --input {name}_in_f32.npz --out_fixed {runner} --output t.npz")
        outputs.append(workshop.npz("t.npz"))
    assert outputs[0].keys() == outputs[1].keys() and outputs[0]
    assert all(array.tobytes() == outputs[1][tensor].tobytes() for tensor, array in outputs[0].items())


def test_a_model_that_cannot_be_imported_names_where_to_end_it(workshop):
    workshop.transform("efficientnet_lite0_f32")
    words = f"--model_name cut --model_def {workshop.source('efficientnet_lite0_f32')} --mlir cut.mlir"
    assert "valid:" in workshop.run(f"tpuc transform {words} --output_names nothing", code=1)


def deploy_words(name: str) -> str:
    words = f"--mlir {name}.mlir --chip bm1684x --quantize INT8 --asymmetric --test_input {name}_in_f32.npz"
    return f"tpuc deploy {words} --tolerance 0.9,0.7 --model {name}_int8.bmodel"


def assert_proven(printed: str) -> None:
    proof = re.search(r"^proof: (\d+) tensors, (\d+) equal", printed, re.MULTILINE)
    assert proof and proof[1] == proof[2] and int(proof[1]) > 10
