"""Values that no option, table or array can have are refused in one sentence that says where they are."""

from __future__ import annotations

import numpy as np
import pytest

from tpuc_core.npz import load_npz, save_npz

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


def test_weights_apart_of_a_model_that_holds_its_own(refused):
    refused("transform --model_name n --model_def net.onnx --model_data in.npz --mlir n.mlir", "a .onnx file holds its weights itself",
            'leave out --model_data "in.npz"')


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


@pytest.mark.parametrize("shape", ["[[]]", "[[16]]", "[[0,3,32,32]]", "[[1,3,0,32]]", "[[1,3,32,-7]]"])
def test_shapes_that_hold_no_picture(refused, shape):
    code = 1 if shape == "[[16]]" else 2
    refused(f"input flat/a.png --input_shapes {shape} -o o.npz", shape if code == 2 else "shape [16] takes no picture", code=code)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("input random --input_shapes [[1,3,9000000,9000000]] -o o.npz", "not enough memory"),
        ("input flat/a.png --input_shapes [[1,3,900000,900000]] -o o.npz", "not enough memory"),
        ("input flat/a.png --mlir cnn.mlir --scale 0 -o o.npz", "a scale of 0"),
        ("npz dump " + 300 * "a", "File name too long"),
        ("input --check nan.npz --mlir cnn.mlir", '"nan.npz" has values that are not finite'),
        ("input --check odd.npz --mlir cnn.mlir flat/a.png", '"odd.npz" is <U1: real numbers'),
        ("input --check none.npz --mlir cnn.mlir", 'no array "input"; it has nothing'),
        ("opt table --canonicalize -o o.mlir", 'table:1:1: expected suffix identifier after "#"'),
    ],
)
def test_what_cannot_be_worked_with(refused, command, words):
    save_npz("nan.npz", {"input": np.full(SHAPE, np.nan)})
    save_npz("odd.npz", {"input": np.full(SHAPE, "a")})
    save_npz("none.npz", {})
    refused(command, words)


def test_a_picture_of_one_row_keeps_it(call, folder):
    import cv2

    cv2.imwrite("thin.png", np.full((1, 1000, 3), 200, np.uint8))
    assert call("input thin.png --input_shapes [[1,3,16,16]] --keep_aspect_ratio -o o.npz")[0] == 0
    assert load_npz("o.npz")["input"].max() == 200
    code, printed = call("input --check o.npz --input_shapes [[1,3,16,16]] thin.png")
    assert code == 1 and "to 16,16, letterbox" in printed


SEARCH = "search cnn.mlir --calibration_table table --data_list list -o q"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--mode_high ,", "--mode_high names no mode"),
        ("--mode_high INT8", "--mode_high INT8: INT8 is what ops run in already"),
        ("--target 0.9", "--target goes with --metric"),
        ("--target_cos 0.9 --target_drop 0.1", "--target_drop goes with --metric"),
        ("--figure score", "--figure goes with --metric"),
        ("--target_cos 99", "--target_cos 99"),
        ("--target_cos nan", "--target_cos nan"),
        ("--metric nosuch --target 1", 'unknown metric "nosuch"'),
        ("--data_list nan", "has values that are not finite"),
    ],
)
def test_searches_without_a_goal(refused, call, folder, options, words):
    save_npz("nan.npz", {"input": np.full(SHAPE, np.nan)})
    (folder / "nan").write_text("nan.npz\n")
    code, printed = call(f"{SEARCH} {options}")
    assert code == 1 and words in printed.strip().splitlines()[-1] and not (folder / "q").exists()


def test_searches_and_attributions_on_random_values(call, folder):
    (folder / "list").write_text("random:1\n")
    code, printed = call("attribute cnn.mlir --calibration_table table --data_list list")
    assert code == 0, printed


@pytest.mark.parametrize("state", ["as imported", "lowered"])
def test_a_filter_that_does_not_fit_its_groups(refused, call, state):
    command = "deploy --chip bm1684x --quantize F32 --model n.bmodel --mlir odd.mlir"
    source = "cnn.mlir"
    if state == "lowered":
        assert call("opt cnn.mlir --convert-top-to-tpu=mode=F32 -o lowered.mlir")[0] == 0
        command, source = "opt odd.mlir --weight-reorder -o n.mlir", "lowered.mlir"
    with open(source, encoding="utf-8") as good, open("odd.mlir", "w", encoding="utf-8") as odd:
        odd.write(good.read().replace("group = 8 : i64", "group = 2 : i64", 1))
    refused(command, "in 2 groups does not fit an input of")
