"""What a user gives wrongly is one sentence with the thing and the way out, exit code 1 (2 for usage), and no new file."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tpuc_core.npz import save_npz

TRANSFORM = "transform --model_name n --mlir n.mlir --model_def"
DEPLOY = "deploy --chip bm1684x --model n.bmodel --mlir"
INT8 = f"{DEPLOY} cnn.mlir --quantize INT8 --calibration_table"


@pytest.mark.parametrize(
    "command",
    [
        f"{TRANSFORM} gone.onnx",
        f"{TRANSFORM} net.onnx --test_input gone.npz",
        f"{DEPLOY} gone.mlir",
        f"{INT8} gone",
        f"{DEPLOY} cnn.mlir --test_input gone.npz",
        f"{DEPLOY} cnn.mlir --quantize_table gone",
        "calibrate gone.mlir --data_list table -o t",
        "calibrate cnn.mlir --data_list gone -o t",
        "run --model gone.mlir --input in.npz",
        "run --model net.bmodel --input gone.npz",
        "opt gone.mlir --canonicalize",
        "opt cnn.mlir --import-calibration-table=file=gone -o o.mlir",
        "bmodel info gone.bmodel",
        "bmodel verify gone.bmodel",
        "npz dump gone.npz",
        "npz compare in.npz gone.npz",
        "input gone.jpg --mlir cnn.mlir -o o.npz",
    ],
)
def test_no_such_file(refused, command):
    refused(command, 'no such file: "gone')


@pytest.mark.parametrize(("content", "words"), [(b"", "is empty"), (None, "truncated"), (b"hello", "not an ONNX file")])
@pytest.mark.parametrize("command", [f"{TRANSFORM} bad.onnx", "run --model bad.onnx --input in.npz"])
def test_empty_truncated_and_foreign_onnx(refused, folder, content, words, command):
    good = (folder / "net.onnx").read_bytes()
    (folder / "bad.onnx").write_bytes(good[: len(good) // 2] if content is None else content)
    refused(command, '"bad.onnx"', words)


def test_unsupported_ops_are_all_listed_with_a_way_out(refused, folder, call):
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], "first"),
        helper.make_node("Det", ["r"], ["d"], "second"),
        helper.make_node("Det", ["r"], ["e"], "third"),
    ]
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, 2, 2]), ("d", [1]), ("e", [1]))
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder / "det.onnx")
    refused(f"{TRANSFORM} det.onnx", "Det", '"second"', '"third"', "not supported", "--output_names r")
    assert call(f"{TRANSFORM} det.onnx --output_names r")[0] == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (f"{TRANSFORM} net.onnx --input_shapes [[1,3,32]]", ["[1, 3, 32]", '"input"', "4 dimensions"]),
        (f"{TRANSFORM} net.onnx --input_shapes [[1,4,32,32]]", ['Conv node "/conv1/Conv"', "[1, 4, 32, 32]"]),
        (f"{TRANSFORM} net.onnx --input_shapes [[1,3,32,32],[1]]", ["2 shapes", "1 inputs"]),
        (f"{TRANSFORM} net.onnx --mean 1,2", ["2 values", "3 channels"]),
    ],
)
def test_shapes_that_the_model_cannot_have(refused, command, words):
    refused(command, *words)


@pytest.mark.parametrize("model", ["net.onnx", "cnn.mlir", "net.bmodel"])
def test_inputs_of_a_wrong_shape_or_name(refused, folder, model):
    save_npz("small.npz", {"input": np.zeros((1, 3, 16, 16), np.float32)})
    save_npz("two.npz", {"a": np.zeros(3, np.float32), "b": np.zeros(3, np.float32)})
    refused(f"run --model {model} --input small.npz", '"small.npz"', "[1, 3, 16, 16]", "wants [1, 3, 32, 32]")
    refused(f"run --model {model} --input two.npz", 'no input "input"', "it has a, b")


@pytest.mark.parametrize(
    "command", [f"{DEPLOY} cnn.mlir", "run --model cnn.mlir --input in.npz", "opt cnn.mlir --canonicalize -o o.mlir"]
)
def test_missing_and_foreign_weights(refused, folder, command):
    (folder / "cnn_weights.npz").unlink()
    refused(command, '"cnn.mlir" wants the weights "cnn_weights.npz"')
    save_npz("cnn_weights.npz", {"other": np.zeros(3, np.float32)})
    refused(command, '"cnn_weights.npz" lacks', "another model")
    (folder / "cnn_weights.npz").write_bytes(b"PK\x03\x04 and no more")
    refused(command, '"cnn_weights.npz" is not an npz file')


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda t: "", "is empty"),
        (lambda t: "hello", 'bad.mlir:1:1: there is no op "hello"'),
        (lambda t: t[: len(t) // 2], "bad.mlir:"),
        (lambda t: t.replace('"top.Conv"', '"top.Cnov"', 1), 'there is no op "top.Cnov"'),
        (lambda t: t.replace("module.state", "module.stat"), "module.state"),
    ],
)
@pytest.mark.parametrize(
    "command", [f"{DEPLOY} bad.mlir", "run --model bad.mlir --input in.npz", "opt bad.mlir --canonicalize -o o.mlir"]
)
def test_damaged_and_foreign_mlir(refused, folder, damage, words, command):
    (folder / "bad.mlir").write_text(damage((folder / "cnn.mlir").read_text()))
    refused(command, words)


@pytest.mark.parametrize("given", ["net.bmodel", "net.onnx", "in.npz"])
def test_other_files_in_place_of_mlir(refused, given):
    refused(f"{DEPLOY} {given}", f'"{given}" is not an MLIR text file')


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is it the table of another model?"),
        (b"one 1 0 1\ntwo 2 0 2\n", "is it the table of another model?"),
        (b"hello world this is\n", 'bad:1: "world" of "hello"'),
        (b"input 1.0 0.0\n", "bad:1"),
        (bytes(range(256)), "is not a calibration table"),
    ],
)
def test_damaged_and_foreign_calibration_tables(refused, folder, content, words):
    (folder / "bad").write_bytes(content)
    refused(f"{INT8} bad", words)
    refused("opt cnn.mlir --import-calibration-table=file=bad -o o.mlir", words)


def test_int8_without_a_table(refused):
    refused(f"{DEPLOY} cnn.mlir --quantize INT8", "not calibrated", "tpuc calibrate", "--calibration_table")


@pytest.mark.parametrize(("content", "words"), [(b"", "0 bytes"), (None, "truncated"), (b"hello" * 100, "magic")])
@pytest.mark.parametrize(
    "command",
    [
        "run --model bad.bmodel --input in.npz",
        "bmodel info bad.bmodel",
        "bmodel dis bad.bmodel",
        "bmodel verify bad.bmodel",
        "bmodel weights bad.bmodel -o w.npz",
    ],
)
def test_damaged_and_foreign_bmodels(refused, folder, content, words, command):
    good = (folder / "net.bmodel").read_bytes()
    (folder / "bad.bmodel").write_bytes(good[: len(good) // 2] if content is None else content)
    refused(command, '"bad.bmodel" is damaged or not a bmodel', words)


def test_a_flipped_bit_does_not_verify(call, folder):
    assert call("bmodel verify net.bmodel")[0] == 0
    data = bytearray((folder / "net.bmodel").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "net.bmodel").write_bytes(data)
    code, printed = call("bmodel verify net.bmodel")
    assert code == 1 and 'the certificate of "net.bmodel" does not hold' in printed


@pytest.mark.parametrize("content", [b"", b"hello", None])
@pytest.mark.parametrize(
    "command", ["npz dump bad.npz", "npz compare in.npz bad.npz", "run --model net.bmodel --input bad.npz"]
)
def test_damaged_and_foreign_npz(refused, folder, content, command):
    (folder / "bad.npz").write_bytes((folder / "in.npz").read_bytes()[:300] if content is None else content)
    refused(command, '"bad.npz"', "npz file")


@pytest.mark.parametrize(
    "command",
    [
        "transform --model_name n --model_def net.onnx --mlir gone/n.mlir",
        "deploy --chip bm1684x --mlir cnn.mlir --model gone/n.bmodel",
        "calibrate cnn.mlir --data_list list -o gone/t",
        "run --model net.bmodel --input in.npz --output gone/o.npz",
        "opt cnn.mlir --canonicalize -o gone/o.mlir",
        "npz extract in.npz gone/o.npz input",
        "input in.npz --mlir cnn.mlir -o gone/o.npz",
        "dataset list . -o gone/list",
        "bmodel weights net.bmodel -o gone/w.npz",
    ],
)
def test_output_that_cannot_be_written(refused, folder, command):
    (folder / "list").write_text("in.npz\n")
    refused(command, 'cannot write "gone/', "No such file or directory")
    (folder / "gone").write_text("a file where a folder should be")
    refused(command, 'cannot write "gone/')


@pytest.mark.parametrize(
    "command",
    [
        "transform --model_name n --model_def net.onnx --mlir taken",
        "deploy --chip bm1684x --mlir cnn.mlir --model taken",
        "calibrate cnn.mlir --data_list list -o taken",
        "run --model net.bmodel --input in.npz --output taken",
    ],
)
def test_output_in_the_place_of_a_folder(refused, folder, command):
    (folder / "list").write_text("in.npz\n")
    (folder / "taken").mkdir()
    refused(command, 'cannot write "taken": Is a directory')


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (f"{DEPLOY} cnn.mlir --quantize FP32", ['unknown mode "FP32"', "valid:", "INT8", 'did you mean "F32"']),
        ("deploy --chip bm1685 --mlir cnn.mlir --model n.bmodel", ['unknown chip "bm1685"', "valid: bm1684x"]),
        (
            "opt cnn.mlir --layer-gruop -o o.mlir",
            ['unknown pass "--layer-gruop"', "--address-assign", 'did you mean "--layer-group"'],
        ),
        ("opt cnn.mlir --convert-top-to-tpu=mode=FP32 -o o.mlir", ['unknown mode "FP32"', "valid:"]),
        (
            "opt cnn.mlir --convert-top-to-tpu=mod=F32 -o o.mlir",
            ['no option "mod"', "valid: mode, chip", 'did you mean "mode"'],
        ),
        (
            "opt cnn.mlir --layer-group -o o.mlir",
            ["--layer-group takes TPU_DIVIDED", "this file is TOP_F32", "run --subnet-divide first"],
        ),
        (
            "calibrate cnn.mlir --dataset . -o t --cali_method kll",
            ['unknown calibration method "kll"', "valid: aciq_gauss", "kl, max, mse"],
        ),
        (
            "run --model net.bmodel --input in.npz --runner bmtr",
            ['unknown runner "bmtr"', "valid:", "simulator", 'did you mean "bmrt"'],
        ),
        (f"{TRANSFORM} table", ["unknown model format", "valid: ", ".onnx"]),
        (f"{TRANSFORM} net.onnx --output_names outptu", ['no tensor "outptu"', 'did you mean "output"']),
        ("transform --model_name a/b --model_def net.onnx --mlir n.mlir", ['"a/b"', "without folders"]),
        ("npz dump in.npz inptu", ['no tensor "inptu"', 'did you mean "input"']),
    ],
)
def test_unknown_names_come_with_the_valid_ones(refused, command, words):
    refused(command, *words)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("trnasform", ['unknown command "trnasform"', "valid:", 'did you mean "transform"']),
        ("npz dumb", ['unknown command "dumb"', 'did you mean "dump"']),
        (f"{DEPLOY} cnn.mlir --no_such", ["No such option", "--no_such"]),
        ("deploy --mlir cnn.mlir --model n.bmodel", ["Missing option '--chip'"]),
        (f"{TRANSFORM} net.onnx --pixel_format rgbb", ["'rgb', 'bgr', 'gray', 'rgba'"]),
        (f"{TRANSFORM} net.onnx --input_shapes 1,3,32,32", ["list of shapes such as [[1,3,224,224]]"]),
    ],
)
def test_usage_errors_are_exit_code_2(refused, command, words):
    refused(command, *words, code=2)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("calibrate cnn.mlir --data_list list -o t", 'gone.jpg"'),
        ("calibrate cnn.mlir --data_list empty -o t", '"empty" lists no images'),
        ("calibrate cnn.mlir --data_list net.onnx -o t", '"net.onnx" is not a list of samples'),
        ("calibrate cnn.mlir --data_list bad -o t", 'bad.jpg" is not an image'),
        ("calibrate cnn.mlir --dataset nothing -o t", '"nothing" holds no'),
        ("calibrate cnn.mlir --dataset gone -o t", '"gone" is not a folder'),
        ("calibrate cnn.mlir -o t", "either --data_list or --dataset"),
        ("eval imagenet --model net.bmodel --dataset nothing", "holds no labelled images"),
        ("eval imagenet --model net.bmodel --dataset gone", '"gone" is not a folder'),
    ],
)
def test_samples_that_are_none(refused, folder, command, words):
    (folder / "list").write_text("gone.jpg\n")
    (folder / "empty").write_text("\n")
    (folder / "bad").write_text("bad.jpg\n")
    (folder / "bad.jpg").write_text("no picture")
    (folder / "nothing").mkdir()
    refused(command, words)
