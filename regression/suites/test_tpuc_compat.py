"""The tutorials step by step, under their own command names and with their tolerances, on two ImageNet classifiers."""

from __future__ import annotations

import json
import re

import pytest
from recipes import RECIPES

CHIP_PASSES = "--weight-reorder --subnet-divide --layer-group --address-assign --save-weight"


@pytest.fixture(scope="module", params=["digits", "efficientnet_lite0", "mobilenet_v2_dequant"])
def imported(request, workshop):
    """(workshop, name) after step 1."""
    name = request.param
    recipe = RECIPES[name]
    try:
        source, picture = workshop.source(name), workshop.picture(recipe)
    except Exception as missing:
        pytest.skip(str(missing))
    head = f"model_transform.py --model_name {name} --model_def {source} {recipe.options}"
    workshop.once(
        f"{head} --test_input {picture} --test_result {name}_f32_outputs.npz --tolerance 0.99,0.99 --mlir {name}.mlir"
    )
    return workshop, name


def run(imported, words: str) -> str:
    workshop, name = imported
    return workshop.once(words.replace("NAME", name))


def dump(imported, model: str, target: str) -> str:
    return run(
        imported, f"model_runner.py --model {model} --input NAME_in_f32.npz --dump_all_tensors --output {target}"
    )


def compare(imported, target: str, reference: str, tolerance: str) -> None:
    assert (
        run(imported, f"npz_tool.py compare {target} {reference} --tolerance {tolerance} -v")
        .rstrip()
        .endswith("PASSED.")
    )


def test_original_and_imported_model(imported):
    dump(imported, "NAME_opt.onnx", "NAME_all_tensors_onnx.npz")
    dump(imported, "NAME.mlir", "NAME_all_tensors_mlir_f32.npz")
    compare(imported, "NAME_all_tensors_mlir_f32.npz", "NAME_all_tensors_onnx.npz", "0.999,0.999")


def test_f32_step_by_step(imported):
    dump(imported, "NAME.mlir", "NAME_all_tensors_mlir_f32.npz")
    run(
        imported, 'tpuc-opt NAME.mlir --convert-top-to-tpu="mode=F32 chip=bm1684x" --save-weight -o NAME_f32_1684x.mlir'
    )
    run(
        imported,
        f'tpuc-opt NAME_f32_1684x.mlir {CHIP_PASSES} --codegen="model_file=NAME_f32_1684x.bmodel"'
        " -o NAME_f32_1684x_final.mlir",
    )
    dump(imported, "NAME_f32_1684x.bmodel", "NAME_all_tensors_f32_1684x_bmodel.npz")
    compare(imported, "NAME_all_tensors_f32_1684x_bmodel.npz", "NAME_all_tensors_mlir_f32.npz", "0.999,0.999")


@pytest.mark.parametrize(("symmetry", "option", "tolerance"), [("sym", "false", "0.95,0.70"), ("asym", "true", "0.97,0.75")])
def test_int8_step_by_step(imported, symmetry, option, tolerance):
    workshop, name = imported
    dump(imported, "NAME.mlir", "NAME_all_tensors_mlir_f32.npz")
    pictures = workshop.pictures(RECIPES[name].pictures)
    run(imported, f"run_calibration.py NAME.mlir --dataset {pictures} --input_num 20 -o NAME_table")
    file = f"NAME_int8_{symmetry}_1684x"
    run(
        imported,
        f"tpuc-opt NAME.mlir --import-calibration-table='file=NAME_table asymmetric={option}'"
        f' --convert-top-to-tpu="mode=INT8 asymmetric={option} chip=bm1684x" --save-weight -o {file}.mlir',
    )
    dump(imported, f"{file}.mlir", f"{file}.npz")
    compare(imported, f"{file}.npz", "NAME_all_tensors_mlir_f32.npz", tolerance)
    run(imported, f'tpuc-opt {file}.mlir {CHIP_PASSES} --codegen="model_file={file}.bmodel" -o {file}_final.mlir')
    dump(imported, f"{file}.bmodel", f"{file}_bmodel.npz")
    compare(imported, f"{file}_bmodel.npz", f"{file}.npz", "1,1")


def test_top_k_is_shown_as_the_tutorial_shows_it(imported):
    workshop, name = imported
    dump(imported, "NAME.mlir", "NAME_all_tensors_mlir_f32.npz")
    output = list(workshop.npz(f"{name}_all_tensors_mlir_f32.npz"))[-1]
    printed = run(imported, f"npz_tool.py dump NAME_all_tensors_mlir_f32.npz {output} 5")
    assert "Show Top-K 5" in printed and len(re.findall(r"^\(\d+, -?[\d.e-]+\)$", printed, re.MULTILINE)) == 5


@pytest.mark.zoo
def test_accuracy_under_the_tutorials_name(imported):
    workshop, name = imported
    if name == "digits":
        pytest.skip("no ImageNet classifier")
    labelled = workshop.pictures("imagenet1k_256").with_name("imagenet1k_val")
    printed = run(
        imported,
        f"model_eval_imagenet.py --model NAME.mlir --dataset {labelled} --count 40"
        f" --class_offset {RECIPES[name].class_offset} --format json",
    )
    assert json.loads(printed.strip().splitlines()[-1])["top1"] > 0.7 * 40
