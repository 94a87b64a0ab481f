import numpy as np
import pytest
from tpuc_onnx.plugin import OnnxFrontend

from tpuc_core.errors import TpucError
from tpuc_core.evaluate import evaluate
from tpuc_core.hookspecs import FrontendOptions
from tpuc_core.images import Preprocessing
from tpuc_core.ir import State, shape_of, tensor_name
from tpuc_core.npz import compare


def load(path, **options):
    return OnnxFrontend().load([path], FrontendOptions("net", **options))


def test_every_common_tensor_equals_onnxruntime(small_net, save):
    path = save(small_net)
    inputs = {"x": np.random.default_rng(5).normal(size=(1, 3, 8, 8)).astype(np.float32)}
    imported = evaluate(load(path), inputs)
    reference = OnnxFrontend().reference([path], FrontendOptions("net")).run(inputs, all_tensors=True)
    report = compare(imported, reference, 0.9999, 0.9999)
    assert report.passed
    assert {c.name for c in report.comparisons} >= {"r0_Relu", "a_Add", "g_GlobalAveragePool", "y_Gemm"}


def test_names_state_and_weights_are_those_of_the_source(small_net, save):
    model = load(save(small_net))
    assert model.state == State.TOP_F32 and model.platform == "ONNX" and model.name == "net"
    assert [tensor_name(v) for v in model.outputs] == ["y_Gemm"]
    assert shape_of(model.outputs[0]) == (1, 5)
    np.testing.assert_array_equal(model.weights["w1"].shape, (4, 4, 1, 1))
    assert model.weights["fc_fix"].shape == (4, 5)


def test_preprocessing_is_kept_on_image_inputs_only(small_net, make_model, save):
    options = Preprocessing(resize_dims=(10, 12), mean=(1, 2, 3))
    attributes = load(save(small_net), preprocessing=options).inputs[0]
    assert attributes.get("do_preprocess") and attributes.get("resize_dims") == [10, 12] and attributes.get("mean") == [1, 2, 3]
    vector = make_model([("Relu", ["v"], ["y"], {})], {"v": (1, 16)}, ["y"])
    assert load(save(vector, "vector.onnx"), preprocessing=options).inputs[0].get("mean") is None


def test_all_unsupported_nodes_are_named_with_a_way_out(make_model, save):
    nodes = [("Relu", ["x"], ["r"], {}), ("NonZero", ["r"], ["i"], {}), ("Cast", ["i"], ["f"], {"to": 1}), ("Det", ["x"], ["d"], {})]
    model = make_model(nodes, {"x": (2, 2)}, ["r", "f", "d"])
    with pytest.raises(TpucError) as error:
        load(save(model))
    message = str(error.value)
    assert message.startswith("2 nodes cannot be imported: ")
    assert 'NonZero "n1" (a result whose shape depends on values)' in message and 'Det "n3"' in message and "Cast" not in message
    assert message.endswith("End the model before them: --output_names r")
    assert [tensor_name(v) for v in load(save(model), output_names=["r"]).outputs] == ["r_Relu"]


def test_shapes_that_do_not_fit_inside_name_the_node(small_net, save):
    with pytest.raises(TpucError, match=r'Conv node "n0"'):
        load(save(small_net), input_shapes=[[1, 5, 8, 8]])


def test_another_input_shape_is_taken(small_net, save):
    assert shape_of(load(save(small_net), input_shapes=[[2, 3, 12, 10]]).outputs[0]) == (2, 5)


def test_several_inputs_and_outputs_keep_their_order(make_model, save):
    nodes = [("Add", ["b", "a"], ["s"], {}), ("Sub", ["a", "b"], ["d"], {})]
    model = load(save(make_model(nodes, {"a": (1, 4), "b": (1, 4)}, ["d", "s"])))
    assert [tensor_name(op.results[0]) for op in model.inputs] == ["a", "b"]
    assert [tensor_name(v) for v in model.outputs] == ["d_Sub", "s_Add"]


def test_a_split_names_each_result(make_model, save):
    nodes = [("Split", ["x"], ["p", "q"], {"axis": 1}), ("Mul", ["p", "q"], ["y"], {})]
    path = save(make_model(nodes, {"x": (1, 4, 3, 3)}, ["y"]))
    x = np.random.default_rng(0).normal(size=(1, 4, 3, 3)).astype(np.float32)
    tensors = evaluate(load(path), {"x": x})
    np.testing.assert_array_equal(tensors["q_Split"], x[:, 2:])
    reference = OnnxFrontend().reference([path], FrontendOptions("net")).run({"x": x}, all_tensors=True)
    assert {"p_Split", "q_Split", "y_Mul"} <= set(reference)


def test_the_simplified_file_gives_the_same_outputs(small_net, save):
    path = save(small_net)
    inputs = {"x": np.random.default_rng(6).normal(size=(1, 3, 8, 8)).astype(np.float32)}
    simplified = OnnxFrontend().simplified([path], FrontendOptions("net"))
    from tpuc_onnx.session import open_file

    (second := save(small_net, "second.onnx"))
    with open(second, "wb") as file:
        file.write(simplified)
    np.testing.assert_allclose(open_file(second).run(inputs)["y_Gemm"], open_file(path).run(inputs)["y_Gemm"], rtol=1e-4)
