import cv2
import numpy as np
import pytest

from tpuc_core.cli.input import make_input
from tpuc_core.cli.main import run_command
from tpuc_core.images import Preprocessing
from tpuc_core.ir import Model, save_model, tensor_type, top
from tpuc_core.npz import load_npz


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A picture, and a model that takes it as rgb with mean 10."""
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("cat.png", np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    kind = tensor_type((1, 3, 4, 4), "f32")
    model = Model.new("net", "ONNX", [kind])
    options = Preprocessing(mean=(10, 10, 10), pixel_format="rgb").for_shape((1, 3, 4, 4))
    x = top.InputOp.make("image", [model.main.args[0]], kind, **options.attributes())
    model.main.body.block.add_op(x)
    model.set_outputs([x.results[0]])
    save_model(model, "net.mlir")


def call(*words):
    return run_command(make_input, list(words), "tpuc input")


def pixels():
    return cv2.imread("cat.png")[..., ::-1].transpose(2, 0, 1).astype(np.float32)


def test_the_model_says_how(capsys):
    assert call("cat.png", "--mlir", "net.mlir", "-o", "in.npz") == 0
    np.testing.assert_array_equal(load_npz("in.npz")["image"][0], pixels() - 10)
    assert capsys.readouterr().out == "in.npz: image [1, 3, 4, 4] float32\n"


def test_options_win_over_the_model():
    assert call("cat.png", "--mlir", "net.mlir", "--mean", "0,0,0", "-o", "in.npz") == 0
    np.testing.assert_array_equal(load_npz("in.npz")["image"][0], pixels())


def test_a_shape_is_enough():
    assert call("cat.png", "--input_shapes", "[[1,3,2,2]]", "--pixel_format", "rgb", "-o", "in.npz") == 0
    assert load_npz("in.npz")["input"].shape == (1, 3, 2, 2)


def test_something_must_say_the_shape(capsys):
    assert call("cat.png", "-o", "in.npz") == 1
    assert "give --mlir, or the one shape" in capsys.readouterr().err


def test_a_check_says_yes(capsys):
    assert call("cat.png", "--mlir", "net.mlir", "-o", "in.npz") == 0
    assert call("--check", "in.npz", "cat.png", "--mlir", "net.mlir") == 0
    assert "in.npz is the model's preprocessing of cat.png" in capsys.readouterr().out
    assert call("--check", "in.npz", "--mlir", "net.mlir") == 0
    assert "every value is a grey level" in capsys.readouterr().out


def test_a_check_says_what_differs(capsys):
    call("cat.png", "--mlir", "net.mlir", "--mean", "0,0,0", "-o", "in.npz")
    assert call("--check", "in.npz", "cat.png", "--mlir", "net.mlir") == 1
    text = capsys.readouterr().out
    assert "in.npz is NOT the model's preprocessing of cat.png (largest difference 10.0 grey levels)" in text
    assert "mean            10,10,10     0,0,0" in text
    assert "that explains it exactly" in text
    assert "tpuc input cat.png --mlir net.mlir -o in_fixed.npz" in text


def test_a_check_wants_the_models_input(capsys):
    np.savez("two.npz", a=np.zeros(3), b=np.zeros(3))
    assert call("--check", "two.npz", "cat.png", "--mlir", "net.mlir") == 1
    assert '"two.npz" has no array "image"; it has a, b' in capsys.readouterr().err


def test_nothing_to_do_is_a_wrong_use(capsys):
    assert call("--mlir", "net.mlir") == 2
    assert "--check" in capsys.readouterr().err
