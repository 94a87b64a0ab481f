"""`tpuc transform` with a frontend of the test's own, so that core is tested without any plugin."""

import cv2
import numpy as np
import pytest

from tpuc_core.cli.main import run_command
from tpuc_core.cli.transform import transform
from tpuc_core.errors import TpucError
from tpuc_core.ir import Model, load_model, tensor_type, top
from tpuc_core.npz import load_npz
from tpuc_core.plugins import plugins


class ScaleFrontend:
    """A "model format" whose file holds one number: y = max(x, 0) * number."""

    name = "scale"
    suffixes = (".scale",)
    error = 0.0  # what the reference adds to y

    def load(self, files, options):
        if options.output_names == ("bad",):
            raise TpucError('no tensor "bad"')
        shape = tuple(options.input_shapes[0]) if options.input_shapes else (1, 3, 4, 4)
        kind = tensor_type(shape, "f32")
        model = Model.new(options.model_name, "SCALE", [kind])
        attributes = options.preprocessing.for_shape(shape).attributes()
        x = top.InputOp.make("x", [model.main.args[0]], kind, **attributes)
        relu = top.ReluOp.make("r", [x.results[0]], kind)
        factor = float(files[0].read_text())
        y = top.MulConstOp.make("y", [relu.results[0]], kind, const_val=factor)
        for op in (x, relu, y):
            model.main.body.block.add_op(op)
        model.set_outputs([y.results[0]])
        return model

    def reference(self, files, options):
        factor, error = float(files[0].read_text()), self.error

        class Reference:
            def run(self, inputs, *, all_tensors=False, dequantize=True):
                relu = np.maximum(inputs["x"], 0)
                return {"r": relu, "y": relu * np.float32(factor) + np.float32(error)}

        return Reference()

    def simplified(self, files, options):
        return files[0].read_bytes()


@pytest.fixture
def frontend(monkeypatch):
    frontend = ScaleFrontend()
    monkeypatch.setattr(type(plugins()), "frontends", property(lambda self: [frontend]))
    return frontend


@pytest.fixture
def call(tmp_path, monkeypatch, frontend):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.scale").write_text("2.5")

    def run(*words):
        return run_command(transform, ["--model_name", "net", "--model_def", "net.scale", "--mlir", "net.mlir", *words], "tpuc transform")

    return run


def test_text_weights_and_the_simplified_file_are_written(call, tmp_path, capsys):
    assert call() == 0
    assert load_model("net.mlir").name == "net"
    assert {p.name for p in tmp_path.iterdir()} == {"net.scale", "net.mlir", "net_top_f32_all_weight.npz", "net_opt.scale"}
    assert capsys.readouterr().out == "net.mlir: 2 ops, 0 weights\n"


def test_preprocessing_is_kept_in_the_text(call):
    assert call("--resize_dims", "6,8", "--mean", "-1.5,2,3", "--scale", "0.5,1,1", "--pixel_format", "rgb", "--keep_aspect_ratio",
                "--keep_ratio_mode", "short_side_scale", "--pad_value", "7", "--pad_type", "normal") == 0
    op = load_model("net.mlir").inputs[0]
    assert op.get("resize_dims") == [6, 8] and op.get("mean") == [-1.5, 2, 3] and op.get("pixel_format") == "rgb"
    assert op.get("keep_aspect_ratio") and op.get("keep_ratio_mode") == "short_side_scale"
    assert op.get("pad_value") == 7 and op.get("pad_type") == "normal"


def test_a_picture_is_compared_with_the_original(call, tmp_path, capsys):
    cv2.imwrite("cat.png", np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    assert call("--test_input", "cat.png", "--test_result", "result.npz") == 0
    assert "2 tensors compared with scale: PASSED" in capsys.readouterr().out
    inputs = load_npz("net_in_f32.npz")
    assert inputs["x"].shape == (1, 3, 4, 4)
    result = load_npz("result.npz")
    assert list(result) == ["x", "r", "y"]
    np.testing.assert_array_equal(result["y"], inputs["x"] * 2.5)


def test_a_tensor_that_differs_fails_and_is_shown(call, frontend, capsys):
    frontend.error = 40.0
    assert call("--test_input", "random:1") == 1
    out = capsys.readouterr().out
    assert "[y " in out and "FAILED" in out and "[r " not in out


def test_excepts_leaves_tensors_out(call, frontend):
    frontend.error = 40.0
    assert call("--test_input", "random:1", "--excepts", "y") == 0


def test_tolerance_decides(call, frontend):
    frontend.error = 0.2
    assert call("--test_input", "random:1", "--tolerance", "0.5,0.5") == 0
    assert call("--test_input", "random:1", "--tolerance", "0.9999,0.9999") == 1


@pytest.mark.parametrize(("words", "code", "message"), [
    (["--model_def", "gone.scale"], 1, 'no such file: "gone.scale"'),
    (["--input_shapes", "[[1,3,x]]"], 2, "is not a list of shapes such as [[1,3,224,224]]"),
    (["--mean", "a,b"], 2, "is not a list of numbers"),
    (["--resize_dims", "256"], 1, "--resize_dims wants two numbers"),
    (["--tolerance", "high"], 1, "should be two numbers"),
    (["--output_names", "bad"], 1, 'no tensor "bad"'),
    (["--test_input", "net.scale"], 1, '"net.scale" is neither an image'),
    (["--test_input", "gone.npz"], 1, 'no such file: "gone.npz"'),
    (["--test_result", "r.npz"], 1, "--test_result needs --test_input"),
    (["--mlir", "missing_folder/net.mlir"], 1, 'cannot write "missing_folder'),
])
def test_bad_input_is_one_sentence(call, capsys, words, code, message):
    assert call(*words) == code
    assert message in capsys.readouterr().err


def test_an_unknown_format_lists_the_known_ones(call, tmp_path, capsys):
    (tmp_path / "net.xyz").write_text("1")
    assert call("--model_def", "net.xyz") == 1
    assert 'unknown model format ".xyz"; valid: .scale' in capsys.readouterr().err
