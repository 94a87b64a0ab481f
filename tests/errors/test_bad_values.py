"""Values that no option, table or array can have are refused in one sentence that says where they are."""

from __future__ import annotations

import numpy as np
import pytest

from tpuc_core.npz import save_npz

INT8 = "deploy --chip bm1684x --model n.bmodel --mlir cnn.mlir --quantize INT8 --calibration_table"
CALIBRATE = "calibrate cnn.mlir --data_list list -o t"
EVAL = "eval imagenet --model net.bmodel --dataset flat --labels"
METRIC = "eval metric --model net.bmodel --data_list list --metric"
SHAPE = (1, 3, 32, 32)


@pytest.fixture(autouse=True)
def samples(folder):
    """A list of one sample, and a flat folder with one picture."""
    import cv2

    (folder / "list").write_text("in.npz\n")
    (folder / "flat").mkdir()
    cv2.imwrite("flat/a.png", np.zeros((32, 32, 3), np.uint8))


@pytest.mark.parametrize(
    "array",
    [np.full(SHAPE, "a"), np.ones(SHAPE, complex), np.zeros(SHAPE, "M8[s]"), np.zeros(SHAPE, [("a", "f4")])],
    ids=["text", "complex", "dates", "records"],
)
@pytest.mark.parametrize("model", ["net.onnx", "cnn.mlir", "net.bmodel"])
def test_inputs_that_are_no_numbers(refused, array, model):
    save_npz("odd.npz", {"input": array})
    refused(f"run --model {model} --input odd.npz", 'input "input" of "odd.npz" is', "real numbers")


@pytest.mark.parametrize("command", ["npz dump odd.npz text 2", "npz compare odd.npz odd.npz"])
def test_tensors_that_are_no_numbers(refused, command):
    save_npz("odd.npz", {"text": np.array(["a", "b"])})
    refused(command, "<U1", "real numbers")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("run --model cnn.mlir --input random:²", '"random:²": the seed must be a number'),
        (f"{CALIBRATE} --shard ²/³", '--shard "²/³" should be'),
        (f"{CALIBRATE} --tune_list list", "--tune_list needs --tune"),
        (f"{CALIBRATE} --tune 1 --tune_list gone", 'no such file: "gone"'),
        (f"{CALIBRATE} --tune 5", "--tune 5 wants more samples than there are: 1"),
        (f"{CALIBRATE} --tune 1 --chip bm9", 'unknown chip "bm9"'),
        ("npz compare in.npz in.npz --tolerance 99,99", 'tolerance "99,99" should be two numbers of at most 1'),
        ("npz compare in.npz in.npz --tolerance nan,0.9", 'tolerance "nan,0.9" should be two numbers of at most 1'),
        ("input flat/a.png --mlir cnn.mlir --mean 1,2,3,4 -o o.npz", "mean has 4 values where bgr images have 3"),
        (f"{METRIC} top1 --labels list", "--labels goes with --dataset"),
    ],
)
def test_options_that_no_command_can_follow(refused, command, words):
    refused(command, words)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (f"{EVAL} labels --count -5", "-5 is not in the range"),
        (f"{EVAL} labels --mean nan,1,2", '"nan,1,2" is not a list of numbers'),
        (f"{EVAL} labels --scale 1,inf,2", '"1,inf,2" is not a list of numbers'),
    ],
)
def test_numbers_out_of_range_are_usage_errors(refused, command, words):
    refused(command, words, code=2)


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (b"\xff\xfe0", "", '"labels" is not a file of labels: byte 0 is not UTF-8'),
        (b"-1\n", "", "class -1"),
        (b"0\n", "--class_offset -1", "class -1"),
        (b"99\n", "", "class 99"),
    ],
)
def test_labels_that_are_no_classes(refused, folder, content, options, words):
    (folder / "labels").write_bytes(content)
    refused(f"{EVAL} labels {options}", words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("input -3.0 -1.0 1.0", '"-3.0" of "input" is below 0'),
        ("input " + "9" * 60 + " -1.0 1.0", '999" of "input" is beyond float32'),
    ],
)
def test_calibration_tables_with_numbers_that_are_no_range(refused, folder, line, words):
    (folder / "bad").write_text(f"# a table\n{line}\n")
    refused(f"{INT8} bad", "bad:2: ", words)


def test_an_unknown_mode_of_a_quantization_table_has_its_line(refused, folder):
    (folder / "bad").write_text("# ops\none F32\ntwo FP99\n")
    refused(f"{INT8} table --quantize_table bad", '"bad" line 3: unknown mode "FP99"', "valid: F32")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('raise ValueError("first\\nsecond")', 'in.npz": ValueError: first'),
        ("return None", "gave no figure"),
        ("return undefined", "NameError"),
    ],
)
def test_metrics_that_fail(refused, folder, body, words):
    (folder / "m.py").write_text(f"def merit(outputs, sample): {body}\n")
    refused(f"{METRIC} m.py:merit", '"merit"', words)


def test_metric_files_that_fail_when_they_are_loaded(refused, folder):
    (folder / "m.py").write_text("1 / 0\n")
    refused(f"{METRIC} m.py:merit", '"m.py" cannot be loaded', "ZeroDivisionError")


def test_pictures_with_a_comma_in_their_names(refused, folder):
    (folder / "flat" / "a.png").rename(folder / "flat" / "a,b.png")
    refused("calibrate cnn.mlir --dataset flat -o t", '"flat/a,b.png"', "comma", "rename")
