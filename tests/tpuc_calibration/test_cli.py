import cv2
import numpy as np
import pytest

from tpuc_core.cli.main import run_command, tpuc
from tpuc_core.ir import Model, save_model, tensor_type, top
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


def test_samples_of_a_model_with_several_inputs(folder):
    """What is no image model: every line an .npz with all inputs by name, or one .npy for each input."""
    shapes = {"a": (2, 3), "b": (2, 1)}
    model = Model.new("net", "ONNX", [tensor_type(shape) for shape in shapes.values()])
    block = model.main.body.block
    inputs = [top.InputOp.make(name, [arg], tensor_type(shape)) for (name, shape), arg in zip(shapes.items(), block.args)]
    added = top.AddOp.make("sum_Add", [x.results[0] for x in inputs], tensor_type((2, 3)))
    block.add_ops([*inputs, added])
    model.set_outputs([added.results[0]])
    save_model(model, "net.mlir")
    np.savez("first.npz", b=np.full((2, 1), 10, np.float32), a=np.arange(6, dtype=np.int64).reshape(2, 3))
    np.save("a.npy", np.full((2, 3), -7, np.float32))
    np.save("b.npy", np.full((2, 1), 1, np.float32))
    (folder / "list").write_text("first.npz\na.npy,b.npy\n")
    assert calibrate("--data_list", "list", "--method", "max") == 0
    table = CalibrationTable.read("table")
    assert {name: (row.minimum, row.maximum) for name, row in table.rows.items()} == {
        "a": (-7, 5), "b": (1, 10), "sum_Add": (-6, 15)}
    np.savez("first.npz", a=np.zeros((2, 3), np.float32))
    assert calibrate("--data_list", "list", "--method", "max") == 1


def test_percentile_gives_quantiles_and_clip_range_limits_minimum_and_maximum(folder):
    np.savez("a.npz", x=np.linspace(-100, 50, 192, dtype=np.float32).reshape(1, 3, 8, 8))
    (folder / "list").write_text("a.npz\n")
    assert calibrate("--data_list", "list", "--method", "percentile", "--percentile", "90") == 0
    row = CalibrationTable.read("table")["x"]
    assert (row.threshold, row.minimum, row.maximum) == pytest.approx((85, -85, 35), abs=1)
    assert calibrate("--data_list", "list", "--method", "aciq_gauss", "--clip_range") == 0
    row = CalibrationTable.read("table")["x"]
    assert row.minimum == max(-100, -row.threshold) and row.maximum == pytest.approx(50)


def test_the_names_of_the_established_tool(folder):
    tables = []
    for name in ("use_mse", "mse", "percentile9999", "percentile"):
        assert calibrate("--dataset", "pictures", "--cali_method", name) == 0
        tables.append((folder / "table").read_text())
    assert tables[0] == tables[1] != tables[2] == tables[3]


@pytest.mark.parametrize("args, message", [
    (["--dataset", "pictures", "--cali_method", "entropy"], 'unknown calibration method "entropy"; valid: aciq_gauss, aciq_laplace, kl, max, mse, percentile, auto'),
    (["--dataset", "nowhere"], '"nowhere" is not a folder'),
    ([], "either --data_list or --dataset"),
    (["--dataset", "pictures", "--input_num", "7"], "holds 6 samples, 7 were asked for"),
    (["--data_list", "list"], "nan.npz"),
    (["--dataset", "pictures", "--method", "percentile", "--percentile", "0"], "a percentile of 0 is not above 0"),
    (["--dataset", "pictures", "--shard", "3/2"], "such as 1/2"),
    (["other.mlir", "--dataset", "pictures"], "2 files were given, where one model is wanted"),
    (["--merge", "--dataset", "pictures"], "no --dataset"),
    (["--merge"], '"net.mlir" is not an npz file'),
])
def test_errors_are_one_sentence_and_write_nothing(folder, capsys, args, message):
    np.savez("nan.npz", x=np.full((1, 3, 8, 8), np.nan, np.float32))
    (folder / "list").write_text("nan.npz\n")
    assert calibrate(*args) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (folder / "table").exists()
