"""Tables of the vendor's form are read and written; what is wrong with a line is said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpuc_core.errors import TpucError
from tpuc_core.passes.calibration_table import CalibrationRow, CalibrationTable


def test_a_table_of_the_vendor_is_read_in_order(data):
    table = CalibrationTable.read(data / "cnn_cali_table")
    assert list(table)[:2] == ["input", "r1_Relu"]
    assert table["input"] == CalibrationRow(3.63712, -3.6942854, 3.59831)
    assert "sample number: 4" in table.header


def test_a_written_table_reads_back_and_keeps_the_vendor_form(tmp_path):
    table = CalibrationTable({"a": CalibrationRow(1.5, -1.25, 1.5), "b/c": CalibrationRow(0.0, -0.0, 0.0)}, ["sample number: 1"])
    table.write(tmp_path / "t")
    lines = (tmp_path / "t").read_text().splitlines()
    assert lines == [
        "# sample number: 1",
        "###",
        "# op_name    threshold    min    max",
        "a 1.5000000 -1.2500000 1.5000000",
        "b/c 0.0000100 -0.0000000 0.0000000",
    ]
    assert list(CalibrationTable.read(tmp_path / "t")) == ["a", "b/c"]


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][\w/.:]{0,8}", fullmatch=True), st.floats(0, 1e6), max_size=5))
def test_any_table_reads_back_to_seven_decimals(tmp_path_factory, thresholds):
    path = tmp_path_factory.mktemp("table") / "t"
    CalibrationTable({name: CalibrationRow(value, -value, value) for name, value in thresholds.items()}).write(path)
    read = CalibrationTable.read(path)
    assert list(read) == list(thresholds)
    for name, value in thresholds.items():
        assert read[name].threshold == pytest.approx(max(value, 1e-5), abs=6e-8)
        assert read[name].maximum == pytest.approx(value, abs=6e-8)


def test_a_name_that_begins_as_a_comment_is_refused(tmp_path):
    with pytest.raises(TpucError, match="lines that begin with # are comments"):
        CalibrationTable({"#input_mean": CalibrationRow(1.0, 0.0, 1.0)}).write(tmp_path / "t")
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize("count", [1, 128, 129, 500])
def test_mean_inputs_are_comments_behind_the_rows_and_read_back(tmp_path, count):
    means = np.random.default_rng(0).standard_normal(count) * 10.0 ** np.random.default_rng(1).integers(-20, 20, count)
    CalibrationTable({"y": CalibrationRow(1.0, 0.0, 1.0)}, means={"y": means, "z/w": means[:1]}).write(tmp_path / "t")
    lines = (tmp_path / "t").read_text().splitlines()
    assert lines[2] == "y 1.0000000 0.0000000 1.0000000" and all(line.startswith("#input_mean ") for line in lines[3:])
    read = CalibrationTable.read(tmp_path / "t")
    assert list(read) == ["y"] and len(read.header) == 2
    np.testing.assert_allclose(read.means["y"], means, rtol=1e-5)
    np.testing.assert_allclose(read.means["z/w"], means[:1], rtol=1e-5)


def test_other_sections_end_the_table(tmp_path):
    (tmp_path / "t").write_text("a 1.0 0.0 1.0\n\n#int4_th\na 0.5 -0.5 0.5\n")
    assert CalibrationTable.read(tmp_path / "t").rows == {"a": CalibrationRow(1.0, 0.0, 1.0)}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a 1e-5 0.0 1.0", r't:2: "1e-5" of "a" is not a plain decimal number'),
        ("a 1.0 0.0", r"t:2: a line of 3 words where a name and three numbers are wanted"),
        ("a 1.0 0.0 nan", r't:2: "nan" of "a"'),
        ("a 1.0 2.0 1.0", r't:2: the minimum 2.0 of "a" is above its maximum 1.0'),
        ("#input_mean a 1.0 x", r't:2: after "#input_mean" a name and numbers are wanted: #input_mean a 1.0 x'),
        ("#input_mean ", r't:2: after "#input_mean" a name and numbers are wanted'),
        ("#input_mean a 1.0 inf", r't:2: a mean input of "a" is not finite'),
    ],
)
def test_a_damaged_line_is_an_error_with_its_place(tmp_path, line, message):
    (tmp_path / "t").write_text(f"# header\n{line}\n")
    with pytest.raises(TpucError, match=message):
        CalibrationTable.read(tmp_path / "t")


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "t").write_bytes(b"\xff\x00")
    with pytest.raises(TpucError, match="is not a calibration table: byte 0"):
        CalibrationTable.read(tmp_path / "t")


def test_a_name_with_blanks_cannot_be_written(tmp_path):
    with pytest.raises(TpucError, match='"a b" cannot stand in a calibration table'):
        CalibrationTable({"a b": CalibrationRow(1.0, 0.0, 1.0)}).write(tmp_path / "t")
