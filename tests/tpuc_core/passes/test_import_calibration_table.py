"""Ranges of a table become types, as the vendor's pass makes them."""

import re
import shutil

import numpy as np
import pytest

from tpuc_core.errors import TpucError
from tpuc_core.ir import State, calibration_of, input_means, load_model, print_text, save_model, top, verify
from tpuc_core.passes import parse_passes, run_passes


def imported(model, table, options=""):
    run_passes(model, parse_passes([f"--import-calibration-table=file={table} {options}"]))
    verify(model)
    return model


@pytest.mark.parametrize(("symmetry", "option"), [("sym", "asymmetric=false"), ("asym", "asymmetric=True"), ("asym", "")])
def test_types_are_those_of_the_vendor(data, symmetry, option):
    model = imported(load_model(data / "cnn.mlir"), data / "cnn_cali_table", option)
    wanted = (data / f"cnn_int8_{symmetry}_calibrated.mlir").read_text()
    assert model.state == State.TOP_CALIBRATED
    assert _without_module_line(print_text(model.module)) == _without_module_line(wanted)


def _without_module_line(text):
    return re.sub(r"module @.*", "", text).rstrip("\n")


@pytest.mark.parametrize(
    ("row", "asymmetric", "wanted"),
    [
        ("y 2.0 -1.0 1.5", "false", (-2.0, 2.0)),
        ("y 2.0 -0.0000000 1.5", "false", (0.0, 2.0)),
        ("y 2.0 -1.0 1.5", "true", (-1.0, 1.5)),
    ],
)
def test_a_range_begins_at_zero_where_nothing_is_negative(build, tmp_path, row, asymmetric, wanted):
    model = self_named(build, top.AbsOp)
    (tmp_path / "t").write_text(row)
    imported(model, tmp_path / "t", f"asymmetric={asymmetric}")
    assert calibration_of(model.outputs[0]) == wanted


@pytest.mark.parametrize(("kind", "options"), [(top.SigmoidOp, {}), (top.SoftmaxOp, {"axis": 1})])
def test_probabilities_range_from_zero_to_one(build, tmp_path, kind, options):
    model = self_named(build, kind, **options)
    (tmp_path / "t").write_text("y 0.7 0.1 0.7\n")
    assert calibration_of(imported(model, tmp_path / "t").outputs[0]) == (0.0, 1.0)


def self_named(build, kind, **options):
    builder = build((1, 4))
    model = builder.finish(builder.add(kind, "y", builder.inputs, **options))
    run_passes(model, parse_passes(["--shape-infer"]))
    return model


def test_names_of_another_model_are_ignored_unless_all_are(build, tmp_path):
    model = self_named(build, top.AbsOp)
    (tmp_path / "t").write_text("y 1.0 0.0 1.0\nother 1.0 0.0 1.0\n")
    assert calibration_of(imported(model, tmp_path / "t").outputs[0]) == (0.0, 1.0)
    (tmp_path / "t").write_text("other 1.0 0.0 1.0\n")
    with pytest.raises(TpucError, match='names no tensor of model "net"'):
        imported(self_named(build, top.AbsOp), tmp_path / "t")


@pytest.fixture
def conv(build):
    builder = build((1, 3, 4, 4))
    operands = [*builder.inputs, builder.weight("w", np.ones((2, 3, 1, 1))), builder.none()]
    model = builder.finish(builder.add(top.ConvOp, "y", operands, kernel_shape=[1, 1], strides=[1, 1], pads=[0] * 4))
    run_passes(model, parse_passes(["--shape-infer"]))
    return model


def test_mean_inputs_stay_with_the_model_and_its_file(conv, tmp_path):
    (tmp_path / "t").write_text("y 1.0 0.0 1.0\n#input_mean y 1.5 -2\n#input_mean y 0.25\n#input_mean other 1\n")
    imported(conv, tmp_path / "t")
    save_model(conv, tmp_path / "calibrated.mlir")
    for model in (conv, load_model(tmp_path / "calibrated.mlir")):
        assert input_means(model, model.ops()[0]).tolist() == [1.5, -2.0, 0.25]


def test_a_table_without_mean_inputs_gives_none_also_after_another(conv, tmp_path):
    for means in ("", "#input_mean y 1 2 3\n", ""):
        (tmp_path / "t").write_text(f"y 1.0 0.0 1.0\n{means}")
        assert (input_means(imported(conv, tmp_path / "t"), conv.ops()[0]) is None) == (not means)


@pytest.mark.parametrize("before", ["convolution", "pad"])
def test_where_an_ops_input_changes_its_means_are_forgotten(build, tmp_path, before):
    builder = build((1, 8, 4, 4))
    pointwise = {"kernel_shape": [1, 1], "strides": [1, 1], "pads": [0] * 4}
    if before == "pad":
        x = builder.add(top.PadOp, "p", builder.inputs, paddings=[0, 0, 1, 1, 0, 0, 1, 1], mode="constant")
    else:
        x = builder.add(top.ConvOp, "a", [*builder.inputs, builder.weight("v", np.ones((8, 8, 1, 1))), builder.none()], **pointwise)
    y = builder.add(top.ConvOp, "y", [x, builder.weight("w", np.ones((4, 8, 1, 1))), builder.none()], **pointwise)
    model = builder.finish(y)
    run_passes(model, parse_passes(["--shape-infer"]))
    (tmp_path / "t").write_text("y 1.0 0.0 1.0\n#input_mean y 1 2 3 4 5 6 7 8\n")
    imported(model, tmp_path / "t")
    run_passes(model, parse_passes(["--canonicalize"]))
    assert [op.name for op in model.ops()] == ["top.Conv"]
    assert input_means(model, model.ops()[0]) is None


def test_a_model_without_shapes_is_saved(data, tmp_path):
    shutil.copy(data / "cnn_origin.mlir", tmp_path)
    for weights in data.glob("*_origin_weight.npz"):
        shutil.copy(weights, tmp_path)
    save_model(load_model(tmp_path / "cnn_origin.mlir"), tmp_path / "again.mlir")


def test_mean_inputs_of_another_filter_are_refused(conv, tmp_path):
    (tmp_path / "t").write_text("y 1.0 0.0 1.0\n#input_mean y 1.5 -2\n")
    with pytest.raises(TpucError, match='2 mean inputs of "y", whose filter has 3 input channels; is it the table of another model'):
        imported(conv, tmp_path / "t")


def test_the_file_must_be_named(build):
    with pytest.raises(TpucError, match='needs the option "file"'):
        run_passes(self_named(build, top.AbsOp), parse_passes(["--import-calibration-table"]))
