"""Lowering as passes of `tpuc opt`."""

from __future__ import annotations

import pytest

from tpuc_core.errors import TpucError
from tpuc_core.ir import State, load_model, print_text, storage_of
from tpuc_core.passes import parse_passes, run_passes


def run(model, *arguments):
    run_passes(model, parse_passes(arguments))
    return model


def test_mode_and_chip_may_be_options_of_the_conversion(data):
    model = run(load_model(data / "cnn.mlir"), "--convert-top-to-tpu=mode=F32 chip=bm1684x")
    assert model.state is State.TPU_LOWERED and model.mode == "F32" and model.chip == "bm1684x"


def test_mode_and_chip_may_be_assigned_before(data):
    given = run(load_model(data / "cnn_calibrated.mlir"), "--convert-top-to-tpu=mode=INT8 chip=bm1684x asymmetric=false")
    assigned = run(load_model(data / "cnn_calibrated.mlir"), "--processor-assign=chip=bm1684x mode=INT8",
                   "--convert-top-to-tpu=asymmetric=False")
    assert print_text(given.module) == print_text(assigned.module)


def test_the_quantization_table_is_an_option(data, tmp_path):
    (tmp_path / "qtable").write_text("output_Gemm F32\n")
    model = run(load_model(data / "cnn_calibrated.mlir"), f"--convert-top-to-tpu=mode=INT8 qtable={tmp_path / 'qtable'}")
    assert storage_of(model.ops()[-1].results[0]) == "f32" and model.ops()[-1].name == "tpu.MatMul"


def test_border_casts_are_stripped_by_a_pass(data):
    model = run(load_model(data / "cnn_calibrated.mlir"), "--convert-top-to-tpu=mode=INT8",
                "--strip-io-quant=quant_input=True quant_output=True")
    assert storage_of(model.inputs[0].results[0]) == storage_of(model.outputs[0]) == "i8"


@pytest.mark.parametrize("options, sentence", [
    ("mode=FP32", r'unknown mode "FP32"; valid: .*F32'),
    ("mode=INT8 chip=bm1684y", r'unknown chip "bm1684y"; valid: bm1684x; did you mean "bm1684x"'),
    ("mode=INT8 asymetric=true", "asymetric"),
])
def test_a_wrong_word_is_one_sentence_with_the_right_ones(data, options, sentence):
    with pytest.raises(TpucError, match=sentence):
        run(load_model(data / "cnn_calibrated.mlir"), f"--convert-top-to-tpu={options}")


def test_a_lowered_model_is_not_lowered_again(data):
    with pytest.raises(TpucError, match="TOP_F32"):
        run(load_model(data / "cnn_f32_1lowered.mlir"), "--convert-top-to-tpu=mode=F32")


def test_a_float_border_cannot_be_stripped(data):
    for option in ("quant_input", "quant_output"):
        with pytest.raises(TpucError, match=f"leave {option} out"):
            run(load_model(data / "cnn.mlir"), "--convert-top-to-tpu=mode=F32", f"--strip-io-quant={option}=True")
