import cv2
import numpy as np
import pytest

from tpuc_core.cli.main import run_command, tpuc
from tpuc_core.passes.calibration_table import CalibrationTable


def calibrate(*args):
    return run_command(tpuc, ["calibrate", "net.mlir", "-o", "table", *args], "tpuc")


def pixels():
    return np.stack([cv2.imread(f"pictures/{i}.png") for i in range(6)]).astype(np.float32)


def test_ranges_are_those_of_the_preprocessed_pictures(folder):
    assert calibrate("--dataset", "pictures", "--cali_method", "max") == 0
    x = (pixels() - 100) * np.float32(0.1)
    table = CalibrationTable.read("table")
    assert list(table) == ["x", "y_Relu"]
    assert (table["x"].minimum, table["x"].maximum) == pytest.approx((x.min(), x.max()), abs=1e-6)
    assert table["x"].threshold == pytest.approx(np.abs(x).max(), abs=1e-6)
    assert (table["y_Relu"].minimum, table["y_Relu"].threshold) == pytest.approx((0, x.max()), abs=1e-6)


def test_the_same_samples_in_any_order_give_the_same_file(folder):
    (folder / "list").write_text("".join(f"pictures/{i}.png\n" for i in range(6)))
    (folder / "reversed").write_text("".join(f"pictures/{i}.png\n" for i in reversed(range(6))))
    tables = []
    for source in (["--data_list", "list"], ["--data_list", "reversed"], ["--dataset", "pictures"]):
        assert calibrate(*source) == 0
        tables.append((folder / "table").read_bytes())
    assert tables[0] == tables[1] == tables[2]


def test_input_num_takes_the_first_of_a_list_and_some_of_a_folder_by_seed(folder):
    (folder / "list").write_text("".join(f"pictures/{i}.png\n" for i in range(6)))
    assert calibrate("--data_list", "list", "--input_num", "1", "--cali_method", "max") == 0
    first = (pixels()[0] - 100) * np.float32(0.1)
    assert CalibrationTable.read("table")["x"].maximum == pytest.approx(first.max(), abs=1e-6)
    files = []
    for seed in "1123":
        assert calibrate("--dataset", "pictures", "--input_num", "1", "--seed", seed) == 0
        files.append((folder / "table").read_text())
    assert files[0] == files[1]
    assert len(set(files)) > 1
    assert "# sample number: 1" in files[0]


def test_array_samples(folder):
    np.savez("a.npz", x=np.full((1, 3, 8, 8), 2, np.float32))
    (folder / "list").write_text("a.npz\n")
    assert calibrate("--data_list", "list", "--cali_method", "max") == 0
    assert "y_Relu 2.0000000 2.0000000 2.0000000" in (folder / "table").read_text()


@pytest.mark.parametrize("args, message", [
    (["--dataset", "pictures", "--cali_method", "entropy"], 'unknown calibration method "entropy"; valid: kl, max, mse'),
    (["--dataset", "nowhere"], '"nowhere" is not a folder'),
    ([], "either --data_list or --dataset"),
    (["--dataset", "pictures", "--input_num", "7"], "holds 6 samples, 7 were asked for"),
    (["--data_list", "list"], "nan.npz"),
])
def test_errors_are_one_sentence_and_write_nothing(folder, capsys, args, message):
    np.savez("nan.npz", x=np.full((1, 3, 8, 8), np.nan, np.float32))
    (folder / "list").write_text("nan.npz\n")
    assert calibrate(*args) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (folder / "table").exists()
