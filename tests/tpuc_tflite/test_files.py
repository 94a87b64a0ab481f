"""What can be wrong with a file is said in a sentence; what it stores in another form is made dense."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from flatfiles import N, T, build
from tpuc_tflite import sparsity
from tpuc_tflite.files import read_graph
from tpuc_tflite.frontend import load
from tpuc_tflite.session import open_file

from tpuc_core.errors import TpucError
from tpuc_core.hookspecs import FrontendOptions
from tpuc_core.images import Preprocessing

RELU = ({"x": T((1, 4, 4, 3)), "y": T((1, 4, 4, 3))}, [N("RELU", ["x"], ["y"])], ["x"], ["y"])


def test_files_that_are_none(tmp_path):
    path = tmp_path / "net.tflite"
    for data, message in (
        (b"", "is empty"),
        (b"0123456789", "is not a TFLite file"),
        (build(*RELU)[:40], "is truncated, or damaged"),
    ):
        path.write_bytes(data)
        with pytest.raises(TpucError, match=message):
            read_graph(path)
    with pytest.raises(TpucError):
        read_graph(tmp_path / "other.tflite")


def test_names_that_occur_twice_are_made_different(write):
    path = write(*RELU)
    path.write_bytes(path.read_bytes().replace(b"\x01\x00\x00\x00y\x00", b"\x01\x00\x00\x00x\x00"))
    assert [t.name for t in read_graph(path).tensors] == ["x", "x_1"]


def test_all_refused_nodes_are_named_with_a_place_to_end_the_model(write, options):
    tensors = {"x": T((1, 4)), "a": T((1, 4)), "b": T((1, 4)), "y": T((1, 4))}
    nodes = [N("RELU", ["x"], ["a"]), N("TFLite_Detection_PostProcess", ["a"], ["b"]), N("RELU", ["b"], ["y"])]
    with pytest.raises(
        TpucError, match=r'1 node cannot be imported: TFLite_Detection_PostProcess "b".*--output_names a'
    ):
        load(write(tensors, nodes, ["x"], ["y"]), options)


def test_a_refused_node_that_makes_nothing_is_named_by_its_place(write, options):
    nodes = [N("RELU", ["x"], ["y"]), N("ASSIGN_VARIABLE", ["x"], [])]
    with pytest.raises(TpucError, match=r'1 node cannot be imported: ASSIGN_VARIABLE "1"'):
        load(write({"x": T((1, 4)), "y": T((1, 4))}, nodes, ["x"], ["y"]), options)


def test_an_input_of_16_bits_is_refused(write, options):
    tensors = {"x": T((1, 4), "int16", scale=0.1), "y": T((1, 4), "int16", scale=0.1)}
    with pytest.raises(TpucError, match=r'^input "x" cannot be imported: activations of 16 bits'):
        load(write(tensors, [N("RELU", ["x"], ["y"])], ["x"], ["y"]), options)


def test_a_model_can_end_at_an_inner_tensor(write):
    tensors = {"x": T((1, 4)), "a": T((1, 4)), "y": T((1, 4))}
    path = write(tensors, [N("RELU", ["x"], ["a"]), N("TANH", ["a"], ["y"])], ["x"], ["y"])
    model = load(path, FrontendOptions("net", output_names=["a"]))
    assert [op.name for op in model.ops()] == ["top.Relu"]
    with pytest.raises(TpucError, match='unknown tensor "z"'):
        load(path, FrontendOptions("net", output_names=["z"]))


@pytest.mark.parametrize("shape", [(2, 3, 6, 5), (2, 6, 5, 3)])
def test_input_shapes_in_either_order(write, shape):
    model = load(write(*RELU), FrontendOptions("net", [shape], preprocessing=Preprocessing()))
    assert model.inputs[0].results[0].type.get_shape() == (2, 3, 6, 5)


def test_an_input_shape_without_the_channels_is_refused(write):
    with pytest.raises(TpucError, match="has 3 channels"):
        load(write(*RELU), FrontendOptions("net", [(1, 5, 6, 7)]))


def test_an_input_may_stay_as_in_the_file(write):
    model = load(write(*RELU), FrontendOptions("net", preprocessing=Preprocessing(channel_format="nhwc")))
    assert model.inputs[0].results[0].type.get_shape() == (1, 4, 4, 3)


def test_the_runner_gives_the_layout_of_the_imported_model(write):
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 4)).astype(np.float32)
    session = open_file(write(*RELU))
    assert session.inputs[0].shape == (1, 3, 4, 4)
    np.testing.assert_array_equal(session.run({"x": x})["y"], np.maximum(x, 0))
    np.testing.assert_array_equal(next(session.run_many([{"x": x}]))["y"], np.maximum(x, 0))


def level(size=0, segments=None, indices=None):
    """A dimension of a sparse constant, as the classes of the flatbuffer show it."""
    return SimpleNamespace(
        Format=lambda: int(segments is not None),
        DenseSize=lambda: size,
        ArraySegmentsType=lambda: 1,
        ArrayIndicesType=lambda: 1,
        ArraySegments=lambda: segments,
        ArrayIndices=lambda: indices,
    )


def test_blocks_of_a_sparse_constant_are_put_in_their_places(monkeypatch):
    """[4, 4] in blocks of [2, 2]: two of the four blocks are stored, top left and bottom right."""
    monkeypatch.setattr(sparsity, "_vector", lambda kind, values: np.asarray(values, np.int64))
    levels = [level(2), level(segments=[0, 1, 2], indices=[0, 1]), level(2), level(2)]
    described = SimpleNamespace(
        TraversalOrderAsNumpy=lambda: [0, 1, 2, 3],
        DimMetadata=lambda i: levels[i],
        DimMetadataLength=lambda: 4,
        BlockMapAsNumpy=lambda: [0, 1],
        BlockMapLength=lambda: 2,
    )
    dense = sparsity.densify(np.arange(1, 9, dtype=np.float32), (4, 4), described)
    np.testing.assert_array_equal(dense, [[1, 2, 0, 0], [3, 4, 0, 0], [0, 0, 5, 6], [0, 0, 7, 8]])


def test_a_constant_of_16_bits_is_a_weight_of_32(imported):
    half = np.arange(6, dtype=np.float16).reshape(2, 3)
    tensors = {"h": T(half.shape, "float16", half), "c": T((2, 3)), "x": T((2, 3)), "y": T((2, 3))}
    nodes = [N("DEQUANTIZE", ["h"], ["c"]), N("ADD", ["x", "c"], ["y"], "AddOptions")]
    assert len(imported(tensors, nodes, ["x"], ["y"]).ops()) == 1
