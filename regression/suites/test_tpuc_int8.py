"""INT8: close to float tensor by tensor, and in accuracy of the compiled file."""

from __future__ import annotations

import re

import pytest
from accuracy import MODES, compiled, labelled_images, measure
from recipes import RECIPES

FLOAT_IS_AT_MOST_BETTER = 2.0  # points of top-1
SUBSET = 200


@pytest.mark.parametrize("mode", ["int8", "int8_asym"])
@pytest.mark.parametrize("name", RECIPES)
def test_every_tensor_is_close_to_float(workshop, name, mode):
    compared = re.search(r"^float: (.+)$", workshop.deploy(name, mode), re.MULTILINE)
    assert compared and "NOT" not in compared[1]


def test_the_interpreter_quantizes_real_inputs(workshop):
    workshop.deploy("digits", "int8")
    workshop.run(
        f"tpuc run --model {workshop.lowered('digits', 'int8')} --input digits_in_f32.npz"
        " --dump_all_tensors --output quantized.npz"
    )
    assert "PASSED" in workshop.run("tpuc npz compare quantized.npz digits_top.npz --tolerance 0.95,0.70")


def test_eight_bits_at_the_border(workshop):
    words = workshop.deploy_words("digits", "int8", "border.bmodel")
    printed = workshop.run(f"{words} --quant_input --quant_output --test_input digits_in_f32.npz")
    assert re.search(r"proof: (\d+) tensors, \1 equal", printed)
    workshop.run("tpuc run --model border.bmodel --input digits_in_f32.npz --out_fixed --output border.npz")
    assert {array.dtype.kind for array in workshop.npz("border.npz").values()} <= {"i", "u"}


def test_ops_of_a_quantization_table_stay_float(workshop):
    words = workshop.deploy_words("digits", "int8", "mixed.bmodel")
    tensors = [n for n in workshop.npz("digits_top.npz") if "Conv" in n or "Relu" in n]
    (workshop.directory / "qtable").write_text(f"{tensors[-1]} F32\n")
    printed = workshop.run(f"{words} --quantize_table qtable --test_input digits_in_f32.npz")
    assert tensors[-1] in printed
    assert re.search(r"proof: (\d+) tensors, \1 equal", printed)


@pytest.mark.slow
@pytest.mark.zoo
@pytest.mark.parametrize("mode", ["INT8", "INT8 asymmetric"])
@pytest.mark.parametrize("name", ["efficientnet_lite0", "mobilenet_v2_dequant"])
def test_top_1_of_the_compiled_file_is_within_two_points_of_float(workshop, name, mode):
    labelled = labelled_images(workshop)
    files = (compiled(workshop, name, MODES[m], labelled) for m in ("float", mode))
    real, quantized = (100 * measure(workshop, name, file, labelled, SUBSET)["top1"] / SUBSET for file in files)
    assert real > 80
    assert quantized >= real - FLOAT_IS_AT_MOST_BETTER
