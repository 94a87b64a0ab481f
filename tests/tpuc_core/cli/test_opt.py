"""`tpuc opt` as a user runs it."""

import shutil
from pathlib import Path

import pytest

from tpuc_core.cli.main import run_command, tpuc
from tpuc_core.ir import load_model

DATA = Path(__file__).parents[1] / "ir" / "data"


@pytest.fixture
def here(tmp_path, monkeypatch):
    for path in DATA.glob("cnn*"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opt(*arguments):
    return run_command(tpuc, ["opt", *arguments], prog_name="tpuc")


def test_passes_run_in_order_and_weights_go_beside_the_output(here):
    table = "--import-calibration-table=file=cnn_cali_table asymmetric=false"
    assert opt("cnn_origin.mlir", "--shape-infer", "--canonicalize", table, "--save-weight", "-o", "out.mlir") == 0
    model = load_model("out.mlir")
    assert (model.state, model.get_attribute("weight_file")) == ("TOP_CALIBRATED", "out_weight.npz")
    assert sorted(p.name for p in here.glob("out*")) == ["out.mlir", "out_weight.npz"]


def test_the_file_may_stand_anywhere(here):
    assert opt("-o", "out.mlir", "--canonicalize", "cnn.mlir") == 0
    assert (here / "out.mlir").exists()


def test_text_is_printed_without_an_output(here, capsys):
    assert opt("cnn.mlir") == 0
    assert capsys.readouterr().out.rstrip("\n") == (DATA / "cnn.mlir").read_text().rstrip("\n")


def test_nothing_is_written_to_nowhere(here):
    before = sorted(here.iterdir())
    assert opt("cnn.mlir", "--canonicalize", "-o", "/dev/null") == 0
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.mlir", "--canonicalize"], 1, 'no such file: "none.mlir"'),
        (["cnn.mlir", "--canonicalise"], 1, 'unknown pass "--canonicalise"'),
        (["cnn.mlir", "--import-calibration-table=file=none"], 1, 'no such file: "none"'),
        (["cnn.mlir", "-o", "out.bmodel"], 1, 'the output "out.bmodel" should be an .mlir file'),
        (["cnn.mlir", "-o", "nowhere/out.mlir"], 1, 'cannot write "nowhere/out_weight.npz"'),
        (["cnn_cali_table", "-o", "out.mlir"], 1, "cnn_cali_table:"),
        (["cnn_int8_asym_4divided.mlir", "-o", "out.mlir"], 1, "wants the weights"),
        (["--canonicalize"], 2, "one .mlir file is wanted"),
        (["cnn.mlir", "cnn_origin.mlir"], 2, "one .mlir file is wanted, not 2"),
    ],
)
def test_what_is_wrong_is_one_sentence(here, capsys, arguments, code, message):
    before = sorted(here.iterdir())
    assert opt(*arguments) == code
    assert message in capsys.readouterr().err
    assert sorted(here.iterdir()) == before


def test_a_model_that_is_not_whole_is_refused(here, capsys):
    text = (here / "cnn.mlir").read_text()
    (here / "bad.mlir").write_text(text.replace("kernel_shape = [1, 1], ", "", 1))
    assert opt("bad.mlir", "--canonicalize", "-o", "out.mlir") == 1
    assert capsys.readouterr().err == (
        "tpuc: \"bad.mlir\": top.Conv \"w1_Conv\": attribute 'kernel_shape' expected in operation 'top.Conv'\n"
    )


def test_help_and_list_show_passes_with_their_options(capsys):
    assert opt("--help") == 0
    assert "--shape-infer" in capsys.readouterr().out
    assert opt("--list-passes") == 0
    assert '--import-calibration-table="file= asymmetric=true"' in capsys.readouterr().out
