import cv2
import numpy as np
import pytest

from tpuc_core.cli.eval import imagenet
from tpuc_core.cli.main import run_command
from tpuc_core.errors import TpucError
from tpuc_core.evaluate.accuracy import Accuracy, best_classes, measure
from tpuc_core.evaluate.labels import LabelledImage
from tpuc_core.images import Preprocessing
from tpuc_core.ir import Model, save_model, tensor_type, top
from tpuc_core.session import TensorInfo


class MeanSession:
    """Scores of a picture of one grey level: 10 classes, the level is the class; class 0 at index `offset`."""

    def __init__(self, batch=1, offset=0):
        self.inputs, self.outputs = [TensorInfo("x", (batch, 3, 4, 4))], [TensorInfo("y", (batch, 10 + offset))]
        self.offset = offset

    def run_many(self, batches):
        for inputs in batches:
            levels = inputs["x"].mean((1, 2, 3))[:, None]
            yield {"y": -np.abs(np.arange(self.outputs[0].shape[1]) - self.offset - levels)}


@pytest.fixture
def pictures(tmp_path):
    """Seven pictures of the grey levels 0 .. 6; the label of the last one is wrong by one, and of the first by six."""
    images = []
    for level in range(7):
        cv2.imwrite(str(tmp_path / f"{level}.png"), np.full((4, 4, 3), level, np.uint8))
        images.append(LabelledImage(tmp_path / f"{level}.png", {6: 7, 0: 6}.get(level, level)))
    return images


@pytest.mark.parametrize("batch, offset", [(1, 0), (3, 1)])
def test_top1_and_top5(pictures, batch, offset):
    *_, accuracy = measure(MeanSession(batch, offset), Preprocessing(), pictures, class_offset=offset)
    assert (accuracy.count, accuracy.hits1, accuracy.hits5) == (7, 5, 6)


def test_the_line_is_the_tutorials():
    accuracy = Accuracy()
    accuracy.add(best_classes(np.eye(10)[[3]]), [3])
    accuracy.add(best_classes(np.eye(10)[[3]]), [9])
    assert accuracy.line() == "Acc@1   0.00 ( 50.00)\tAcc@5   0.00 ( 50.00)"


def test_a_class_beyond_the_scores_is_an_error(pictures):
    with pytest.raises(TpucError, match="10 classes, the data set has class 12"):
        list(measure(MeanSession(), Preprocessing(), [pictures[0]._replace(label=12)]))


@pytest.fixture
def net(tmp_path, monkeypatch):
    """net.mlir: the scores are the means of blue, green and red; data/{b,g,r}/ hold pictures of these colours."""
    monkeypatch.chdir(tmp_path)
    shape = (1, 3, 4, 4)
    model = Model.new("net", "ONNX", [tensor_type(shape)])
    block = model.main.body.block
    x = top.InputOp.make("x", [block.args[0]], tensor_type(shape), **Preprocessing(resize_dims=(4, 4)).attributes())
    mean = top.ReduceOp.make("y", [x.results[0]], tensor_type((1, 3)), axes=[2, 3], keepdims=False, mode="ReduceMean")
    block.add_ops([x, mean])
    model.set_outputs([mean.results[0]])
    save_model(model, "net.mlir")
    for label, name in enumerate("bgr"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(2):
            colour = np.zeros((4, 4, 3), np.uint8)
            colour[..., label if i == 0 else 0] = 200  # the second picture of each is blue
            cv2.imwrite(f"data/{name}/{i}.png", colour)


def test_eval_imagenet(net, capsys):
    assert run_command(imagenet, ["--model", "net.mlir", "--dataset", "data"], "eval") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Test: [1/6]\tAcc@1 ")
    assert lines[-2] == "net.mlir: 6 images, top-1 4 (66.67 %), top-5 6 (100.00 %)"


def test_a_model_that_does_not_say_how_wants_preprocessing(net, capsys, monkeypatch):
    monkeypatch.setattr("tpuc_core.evaluate.session.picture_attributes", lambda model: None)
    assert run_command(imagenet, ["--model", "net.mlir", "--dataset", "data"], "eval") == 1
    assert "--mlir" in capsys.readouterr().err
