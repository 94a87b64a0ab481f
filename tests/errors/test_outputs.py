"""No command replaces a file that it reads, and what cannot become the output is refused before any work."""

from __future__ import annotations

import numpy as np
import pytest

from tpuc_core.npz import save_npz

DEPLOY = "deploy --chip bm1684x --mlir cnn.mlir --quantize INT8 --calibration_table table"
SEARCH = "search cnn.mlir --calibration_table table --data_list list"


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("transform --model_name n --model_def net.onnx --mlir net.onnx", "net.onnx"),
        ("transform --model_name n --model_def net.onnx --mlir n.mlir --test_input in.npz --test_result in.npz", "in.npz"),
        ("transform --model_name n --model_def net.onnx --mlir n.mlir --test_input in.npz --test_result n.mlir", "n.mlir"),
        ("calibrate cnn.mlir --data_list list -o cnn.mlir", "cnn.mlir"),
        ("calibrate cnn.mlir --data_list list -o ./list", "list"),
        (f"{DEPLOY} --model cnn.mlir", "cnn.mlir"),
        (f"{DEPLOY} --model net.bmodel --test_input in.npz --test_reference net.bmodel", "net.bmodel"),
        ("run --model cnn.mlir --input in.npz --output cnn.mlir", "cnn.mlir"),
        ("run --model cnn.mlir --input in.npz --output in.npz", "in.npz"),
        (f"{SEARCH} -o table", "table"),
        (f"{SEARCH} -o q --csv q", "q"),
        ("input in.npz --mlir cnn.mlir -o in.npz", "in.npz"),
        ("npz extract in.npz in.npz input", "in.npz"),
        ("npz compare in.npz in.npz --save in.npz", "in.npz"),
        ("npz to_npy in.npz input -o in.npz", "in.npz"),
        ("bmodel weights net.bmodel -o net.bmodel", "net.bmodel"),
    ],
)
def test_no_command_replaces_what_it_reads(refused, folder, command, file):
    (folder / "list").write_text("in.npz\n")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    refused(command, f'"{file}"', "give another name")
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["other.mlir", "new", "new.npz"])
def test_a_compiled_file_is_called_bmodel(refused, folder, name):
    refused(f"{DEPLOY} --model {name}", f'--model "{name}" should be a .bmodel file')


@pytest.mark.parametrize("words", ["--excepts input", "--test_reference other.npz"])
def test_nothing_to_compare_with_is_found_before_a_file_is_written(refused, folder, words):
    save_npz("other.npz", {"other": np.zeros(3, np.float32)})
    save_npz("one.npz", {"input": np.zeros((1, 3, 32, 32), np.float32)})
    words = words if "other" in words else f"{words} --test_reference one.npz"
    refused(f"{DEPLOY} --model new.bmodel {words}", "nothing to compare")


@pytest.mark.parametrize("name", ["array", "array.txt", "array.npy"])
def test_npy_under_any_name_and_nothing_beside_it(call, folder, name):
    before = {path.name for path in folder.iterdir()}
    assert call(f"npz to_npy in.npz input -o {name}")[0] == 0
    assert {path.name for path in folder.iterdir()} == before | {name}
    assert np.load(folder / name).shape == (1, 3, 32, 32)
