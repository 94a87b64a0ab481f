"""Open shapes, constant inputs, and element types of inputs."""

import json
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tpuc_onnx.plugin import OnnxFrontend

from tpuc_core.errors import TpucError
from tpuc_core.evaluate import evaluate
from tpuc_core.hookspecs import FrontendOptions


def save(path, nodes, inputs, outputs, weights=()):
    values = [helper.make_tensor_value_info(n, t, s) for n, (t, s) in inputs.items()]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs]
    graph = helper.make_graph([helper.make_node(*n[:3], **n[3]) for n in nodes], "g", values, ends, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def load(path, **options):
    return OnnxFrontend().load([path], FrontendOptions("net", **options))


@pytest.mark.parametrize("side", [48, 320])
def test_the_shapes_of_the_refusal_are_those_that_the_model_runs_with(side, tmp_path):
    weights = [onnx.numpy_helper.from_array(np.zeros((3 * side * side, 2), np.float32), "w")]
    nodes = [("Flatten", ["x"], ["f"], {}), ("MatMul", ["f", "w"], ["m"], {}), ("Add", ["m", "state"], ["y"], {})]
    path = save(tmp_path / "m.onnx", nodes, {"x": (1, ["batch", 3, "h", "w"]), "state": (1, ["batch", 2])}, ["y"], weights)
    with pytest.raises(TpucError) as error:
        load(path)
    shapes = json.loads(re.search(r"--input_shapes (\S+)$", str(error.value))[1])
    assert shapes == [[1, 3, side, side], [1, 2]]
    assert len(load(path, input_shapes=shapes).inputs) == 2


def test_a_constant_input_is_no_input(tmp_path):
    inputs = {"x": (TensorProto.FLOAT, [2]), "k": (TensorProto.INT64, [])}
    path = save(tmp_path / "m.onnx", [("Cast", ["k"], ["f"], {"to": 1}), ("Mul", ["x", "f"], ["y"], {})], inputs, ["y"])
    model = load(path, constant_inputs={"k": 3})
    assert len(model.inputs) == 1
    np.testing.assert_array_equal(evaluate(model, {"x": np.float32([1, 2])})["y_Mul"], [3, 6])
    with pytest.raises(TpucError, match='unknown input "q"'):
        load(path, constant_inputs={"q": 3})


def test_a_constant_input_needs_a_shape(tmp_path):
    path = save(tmp_path / "m.onnx", [("Add", ["x", "k"], ["y"], {})], {"x": (1, [2]), "k": (1, ["n"])}, ["y"])
    with pytest.raises(TpucError, match=r'input "k" has the open shape \[n\]'):
        load(path, constant_inputs={"k": 1})


@pytest.mark.parametrize(("kind", "message"), [(TensorProto.STRING, "elements of type STRING"), (TensorProto.BFLOAT16, "BFLOAT16")])
def test_inputs_that_are_no_numbers_are_named(kind, message, tmp_path):
    path = save(tmp_path / "m.onnx", [("Identity", ["x"], ["y"], {})], {"x": (kind, [2])}, ["y"])
    with pytest.raises(TpucError, match=message):
        load(path)


def test_integers_and_truth_values_go_in_as_they_are(tmp_path):
    inputs = {"i": (TensorProto.INT64, [3]), "b": (TensorProto.BOOL, [3]), "s": (TensorProto.FLOAT, [])}
    nodes = [("Div", ["i", "two"], ["half"], {}), ("Cast", ["half"], ["f"], {"to": 1}), ("Where", ["b", "f", "s"], ["y"], {})]
    path = save(tmp_path / "m.onnx", nodes, inputs, ["y"], [onnx.numpy_helper.from_array(np.array([2]), "two")])
    given = {"i": np.array([7, -7, 4]), "b": np.array([True, True, False]), "s": np.float32(9)}
    np.testing.assert_array_equal(evaluate(load(path), given)["y_Where"], [3, -3, 9])
    tensors = OnnxFrontend().reference([path], FrontendOptions("net")).run(given, all_tensors=True)
    np.testing.assert_array_equal(tensors["y_Where"], [3, -3, 9])
