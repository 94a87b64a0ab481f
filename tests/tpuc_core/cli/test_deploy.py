"""`tpuc deploy` from a small calibrated network to a proven file, and what it says when it cannot."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from tpuc_core.cli.main import run_command, tpuc
from tpuc_core.npz import load_npz, save_npz
from tpuc_core.plugins import plugins

DATA = Path(__file__).parents[2] / "tpuc_bm1684x" / "lowering" / "data"
TABLE = Path(__file__).parent / "data" / "cnn_cali_table"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("cnn.mlir", "cnn_weights.npz"):
        shutil.copy(DATA / name, tmp_path)
    shutil.copy(TABLE, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def deploy(folder, capsys):
    """Exit code and output of a deploy with these words."""

    def run(*words: str, mode: str = "INT8", chip: str = "bm1684x", mlir: str = "cnn.mlir") -> tuple[int, str]:
        table = ("--calibration_table", "cnn_cali_table") if mode == "INT8" and "--calibration_table" not in words else ()
        code = run_command(tpuc, ["deploy", "--mlir", mlir, "--chip", chip, "--quantize", mode, "--model", "cnn.bmodel", *table, *words])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


@pytest.mark.parametrize(("mode", "words"), [("F32", ()), ("F16", ()), ("BF16", ()), ("INT8", ()), ("INT8", ("--asymmetric",))])
def test_a_file_is_made_and_proven(deploy, folder, mode, words):
    code, output = deploy(*words, mode=mode)
    assert code == 0, output
    (proof,) = [line for line in output.splitlines() if line.startswith("proof:")]
    count = int(proof.split()[1])
    assert count >= 10 and f"{count} equal" in proof
    assert "random:0" in output
    least, of_outputs = re.search(r"least similarity (\S+), \S+, of the outputs (\S+), \S+: ", output).groups()
    assert float(least) <= float(of_outputs) <= 1
    assert run_command(tpuc, ["bmodel", "verify", "cnn.bmodel"]) == 0


def test_a_table_may_name_any_precision_in_any_mode(deploy, folder):
    (folder / "mixed").write_text("r1_Relu F16\nk1_Clip BF16\nw1_Conv INT8\nr2_Relu F32\n")
    for mode in ("F32", "F16", "INT8"):
        code, output = deploy("--calibration_table", "cnn_cali_table", "--quantize_table", "mixed", mode=mode)
        assert code == 0 and "equal bit for bit" in output, output
        rows = {line.split()[0]: line.split()[2] for line in output.splitlines() if "asked for by the quantization table" in line}
        wanted = {"r1_Relu": "F16", "k1_Clip": "BF16", "w1_Conv": "INT8", "r2_Relu": "F32"}
        assert rows == {name: precision for name, precision in wanted.items() if precision != mode}


def test_the_files_of_the_way_stay_and_run(deploy, folder):
    assert deploy("--skip_validation")[0] == 0
    for name in ("cnn_bm1684x_int8_sym_tpu.mlir", "cnn_bm1684x_int8_sym_final.mlir", "cnn.bmodel"):
        assert (folder / name).is_file(), name
    save_npz("in.npz", {"input": np.random.default_rng(1).standard_normal((1, 3, 32, 32)).astype(np.float32)})
    for model in ("cnn.bmodel", "cnn_bm1684x_int8_sym_tpu.mlir"):
        assert run_command(tpuc, ["run", "--model", model, "--input", "in.npz", "--output", f"{model}.npz"]) == 0
    ours, tpu = load_npz("cnn.bmodel.npz"), load_npz("cnn_bm1684x_int8_sym_tpu.mlir.npz")
    assert np.array_equal(ours["output_Gemm_f32"], tpu["output_Gemm_f32"])


def test_fall_backs_are_shown_with_their_reasons(deploy, folder):
    (folder / "table").write_text("ap_AveragePool F32\n")
    output = deploy("--skip_validation", "--quantize_table", "table")[1]
    assert "ap_AveragePool" in output and "asked for by the quantization table" in output


def test_two_builds_give_the_same_bytes(deploy, folder):
    deploy()
    first = (folder / "cnn.bmodel").read_bytes()
    deploy()
    assert (folder / "cnn.bmodel").read_bytes() == first


def test_eight_bits_at_the_border(deploy, folder):
    code, output = deploy("--quant_input", "--quant_output")
    assert code == 0, output
    session = plugins().runner(".bmodel").open(folder / "cnn.bmodel")
    assert session.inputs[0].dtype == session.outputs[0].dtype == "int8"


def test_a_quantization_table_moves_ops_to_f32(deploy, folder):
    (folder / "qtable").write_text("w1_Conv F32\n")
    code, output = deploy("--quantize_table", "qtable")
    assert code == 0 and "w1_Conv" in output and "quantization table" in output


def test_too_little_similarity_is_exit_code_1_and_names_the_tensors(deploy):
    code, output = deploy("--tolerance", "0.9999999,0.9999999")
    assert code == 1 and "NOT within" in output and "[FAILED]" in output
    assert "equal bit for bit" in output


def test_a_reference_takes_the_place_of_the_evaluation(deploy, folder):
    save_npz("in.npz", {"input": np.zeros((1, 3, 32, 32), np.float32)})
    save_npz("wrong.npz", {"output_Gemm": np.full((1, 10), 1e3, np.float32)})
    code, output = deploy("--test_input", "in.npz", "--test_reference", "wrong.npz")
    assert code == 1 and "1 tensors compared" in output
    assert deploy("--test_input", "in.npz", "--test_reference", "wrong.npz", "--excepts", "output_Gemm")[0] == 1


@pytest.mark.parametrize("words, options, sentence", [
    ((), {"mode": "FP32"}, 'unknown mode "FP32"'),
    ((), {"chip": "bm1684y"}, 'did you mean "bm1684x"'),
    ((), {"mlir": "none.mlir"}, 'no such file: "none.mlir"'),
    (("--calibration_table", "none"), {}, 'no such file: "none"'),
    (("--tolerance", "0.9"), {}, "two numbers"),
    (("--test_input", "none.npz"), {}, "none.npz"),
    (("--model", "no/such/place/cnn.bmodel"), {}, 'cannot write "no/such/place'),
])
def test_what_cannot_be_is_one_sentence(deploy, words, options, sentence):
    code, output = deploy(*words, **options)
    assert code == 1 and sentence in output and "Traceback" not in output


def test_int8_without_calibration_says_what_to_run(folder, capsys):
    words = ["deploy", "--mlir", "cnn.mlir", "--chip", "bm1684x", "--quantize", "INT8", "--model", "cnn.bmodel"]
    assert run_command(tpuc, words) == 1
    assert "tpuc calibrate" in capsys.readouterr().err
    assert not (folder / "cnn.bmodel").exists()


def test_an_unknown_option_is_a_usage_error(deploy):
    assert deploy("--no_such_option")[0] == 2


def test_a_lowered_model_is_refused(deploy, folder):
    shutil.copy(DATA / "cnn_f32_1lowered.mlir", folder)
    code, output = deploy(mode="F32", mlir="cnn_f32_1lowered.mlir")
    assert code == 1 and "TPU_LOWERED" in output and "transform" in output


def test_the_file_says_how_images_become_inputs(deploy, folder):
    deploy("--skip_validation")
    for name in ("cnn.bmodel", "cnn_bm1684x_int8_sym_tpu.mlir"):
        session = plugins().runner(Path(name).suffix).open(folder / name)
        assert session.preprocessing["pixel_format"] == "bgr" and session.preprocessing["resize_dims"] == [32, 32]
