"""OpenCV as a session, and the command that opens it."""

import shutil

import numpy as np
import pytest
from caffe_nets import inputs_text, layer_text, random
from tpuc_caffe.plugin import CaffeFrontend, CaffeRunner

from tpuc_core.cli.main import run_command
from tpuc_core.cli.run import run
from tpuc_core.errors import TpucError
from tpuc_core.hookspecs import FrontendOptions, RunnerOfTwoFiles
from tpuc_core.npz import load_npz
from tpuc_core.session import TensorInfo

TEXT = inputs_text(data=(1, 4, 6, 6)) + layer_text("InnerProduct", top="fc", parameters="inner_product_param { num_output: 3 }")
TEXT += layer_text("ReLU", "fc", "fc", name="relu") + layer_text("Softmax", "fc", "y")
BLOBS = {"fc": [random(3, 144, scale=0.1), random(3)]}


@pytest.fixture
def files(save):
    return save(TEXT, BLOBS), save(TEXT, BLOBS).with_suffix(".caffemodel")


def test_ends_are_described(files):
    session = CaffeRunner().open(files[0])
    assert session.inputs == [TensorInfo("data", (1, 4, 6, 6))]
    assert session.outputs == [TensorInfo("y", (1, 3))]


def test_outputs_by_default_every_tensor_on_demand_many_runs(files):
    session, x = CaffeRunner().open(files[0]), random(1, 4, 6, 6)
    assert list(session.run({"data": x})) == ["y"]
    tensors = session.run({"data": x}, all_tensors=True)
    assert list(tensors) == ["fc/1", "fc", "y"] and (tensors["fc"] >= 0).all()
    first, second = session.run_many([{"data": x}, {"data": -x}])
    np.testing.assert_array_equal(first["y"], tensors["y"])
    assert not np.array_equal(first["y"], second["y"])


def test_the_command_takes_weights_from_anywhere(files, tmp_path, monkeypatch, capsys):
    assert isinstance(CaffeRunner(), RunnerOfTwoFiles)
    monkeypatch.chdir(tmp_path)
    shutil.move(files[1], tmp_path / "elsewhere.caffemodel")
    words = ["--model", str(files[0]), "--input", "random:1", "--output", "out.npz"]
    assert run_command(run, words, "tpuc run") == 1
    assert 'InnerProduct layer "fc" has weights, and there is no' in capsys.readouterr().err
    assert run_command(run, [*words, "--weight", "elsewhere.caffemodel"], "tpuc run") == 0
    np.testing.assert_allclose(load_npz("out.npz")["y"].sum(), 1, rtol=1e-6)


def test_wrong_inputs_are_sentences(files):
    session = CaffeRunner().open(files[0])
    with pytest.raises(TpucError, match='no input "data" was given'):
        session.run({"x": random(1, 4, 6, 6)})
    with pytest.raises(TpucError, match=r"has the shape \[1, 4\] where the net wants \[1, 4, 6, 6\]"):
        session.run({"data": random(1, 4)})


def test_a_layer_that_opencv_does_not_have_is_named(save):
    path = save(inputs_text(data=(1, 4, 6, 6)) + layer_text("Upsample", parameters="upsample_param { scale: 2 }"))
    with pytest.raises(TpucError, match=r"OpenCV.*Upsample"):
        CaffeFrontend().reference([path], FrontendOptions("net")).run({"data": random(1, 4, 6, 6)})
