"""Ranges of a table become types, as the vendor's pass makes them."""

import re

import pytest

from tpuc_core.errors import TpucError
from tpuc_core.ir import State, calibration_of, load_model, print_text, top, verify
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


def test_the_file_must_be_named(build):
    with pytest.raises(TpucError, match='needs the option "file"'):
        run_passes(self_named(build, top.AbsOp), parse_passes(["--import-calibration-table"]))
