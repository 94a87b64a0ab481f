import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tpuc_core.cli.eval import imagenet
from tpuc_core.cli.eval_metric import metric
from tpuc_core.cli.main import run_command
from tpuc_core.images import Preprocessing
from tpuc_core.ir import Model, save_model, tensor_type, top


def save_net(name, axes, shape, layout="nchw"):
    """A model whose scores are the means of the picture over two axes."""
    model = Model.new("net", "ONNX", [tensor_type(shape)])
    block = model.main.body.block
    x = top.InputOp.make("x", [block.args[0]], tensor_type(shape), **Preprocessing(channel_format=layout).for_shape(shape).attributes())
    mean = top.ReduceOp.make("y", [x.results[0]], tensor_type((1, 3)), axes=axes, keepdims=False, mode="ReduceMean")
    block.add_ops([x, mean])
    model.set_outputs([mean.results[0]])
    save_model(model, name)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """good.mlir scores blue, green, red; the pictures of data/{b,g,r}/ have these colours, but one of each is blue."""
    monkeypatch.chdir(tmp_path)
    save_net("good.mlir", [2, 3], (1, 3, 8, 8))
    for label, name in enumerate("bgr"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(2):
            colour = np.zeros((8, 8, 3), np.uint8)
            colour[..., label if i == 0 else 0] = 200
            cv2.imwrite(f"data/{name}/{i}.png", colour)


def evaluate(*words, command=imagenet):
    return run_command(command, list(words), "tpuc eval")


def test_the_summary_has_intervals(capsys):
    assert evaluate("--model", "good.mlir", "--dataset", "data") == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "good.mlir: 6 images, top-1 4 (66.67 %), top-5 6 (100.00 %)",
        "95 % intervals: top-1 30.00 .. 90.32 %, top-5 60.97 .. 100.00 %"]


def test_two_models_are_compared_image_by_image(capsys):
    assert evaluate("--model", "good.mlir", "--against", "good.mlir", "--dataset", "data") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["top-1: both are right on the same images", "top-5: both are right on the same images"]
    assert sum(line.startswith("good.mlir: 6 images") for line in lines) == 2


def test_options_win_over_the_model(capsys):
    """rgb in place of bgr: red and blue change places."""
    assert evaluate("--model", "good.mlir", "--dataset", "data", "--pixel_format", "rgb", "--format", "json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["images"], result["top1"]) == (6, 2)  # the green picture, and the blue one in r
    assert result["top1_interval"][0] < 100 / 3 < result["top1_interval"][1]


def test_json_of_a_comparison(capsys):
    assert evaluate("--model", "good.mlir", "--against", "good.mlir", "--dataset", "data", "--format", "json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["against"]["top1"] == result["top1"] == 4
    assert result["paired"]["top1"] == {"only_first": 0, "only_second": 0, "p_value": 1.0}


def test_preprocessing_of_another_file_wins(capsys):
    save_net("grey.mlir", [2, 3], (1, 3, 8, 8))
    Path("grey.mlir").write_text(Path("grey.mlir").read_text().replace('"bgr"', '"rgb"'))
    assert evaluate("--model", "good.mlir", "--dataset", "data", "--preprocess_from", "grey.mlir", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["top1"] == 2


def test_an_input_with_channels_last_gets_them_there(capsys):
    """A model of another tool, asked with the preprocessing of the imported one."""
    save_net("last.mlir", [1, 2], (1, 8, 8, 3))
    assert evaluate("--model", "last.mlir", "--dataset", "data", "--preprocess_from", "good.mlir") == 0
    assert "top-1 4 (66.67 %)" in capsys.readouterr().out


@pytest.mark.slow
def test_processes_give_the_same(capsys):
    assert evaluate("--model", "good.mlir", "--dataset", "data") == 0
    alone = capsys.readouterr().out
    assert evaluate("--model", "good.mlir", "--dataset", "data", "--jobs", "2") == 0
    assert capsys.readouterr().out == alone


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same(capsys):
    from distributed import LocalCluster

    assert evaluate("--model", "good.mlir", "--dataset", "data", "--format", "json") == 0
    alone = capsys.readouterr().out
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        assert evaluate("--model", "good.mlir", "--dataset", "data", "--format", "json", "--dask", cluster.scheduler_address) == 0
    assert capsys.readouterr().out == alone


def test_a_metric_of_a_file(capsys, tmp_path):
    (tmp_path / "mine.py").write_text("def blue(outputs, sample):\n    return float(outputs['y'][0, 0])\n")
    assert evaluate("--model", "good.mlir", "--metric", "mine.py:blue", "--dataset", "data", command=metric) == 0
    assert capsys.readouterr().out == f"good.mlir: 6 samples, mine.py:blue: score {200 * 4 / 6:.6g}\n"


def test_a_metric_with_a_reference(capsys):
    words = ["--model", "good.mlir", "--reference", "good.mlir", "--metric", "agreement", "--dataset", "data", "--format", "json"]
    assert evaluate(*words, command=metric) == 0
    assert json.loads(capsys.readouterr().out)["figures"] == {"score": 1.0}


def test_labels_are_top1s_affair(capsys, tmp_path):
    (tmp_path / "list.txt").write_text("data/b/0.png\n")
    assert evaluate("--model", "good.mlir", "--metric", "top1", "--data_list", "list.txt", command=metric) == 1
    assert "has no label" in capsys.readouterr().err
    assert evaluate("--model", "good.mlir", "--metric", "top1", "--dataset", "data", command=metric) == 0
    assert "score 0.666667" in capsys.readouterr().out


def test_weights_are_for_formats_that_keep_them_apart(capsys):
    assert evaluate("--model", "good.mlir", "--weight", "good_weight.npz", "--dataset", "data") == 1
    assert 'carries its weights' in capsys.readouterr().err
