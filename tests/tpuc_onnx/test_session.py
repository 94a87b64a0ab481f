import numpy as np
import onnx
import pytest
from onnx import helper
from tpuc_onnx.session import open_file

from tpuc_core.errors import TpucError

X = np.random.default_rng(0).normal(size=(1, 3, 8, 8)).astype(np.float32)


def test_tensors_have_the_names_of_imported_models(small_net, save):
    session = open_file(save(small_net))
    assert [i.name for i in session.inputs] == ["x"] and [o.name for o in session.outputs] == ["y_Gemm"]
    assert list(session.run({"x": X})) == ["y_Gemm"]
    assert set(session.run({"x": X}, all_tensors=True)) == {
        "c0_Conv", "bn_BatchNormalization", "r0_Relu", "c1_Conv", "a_Add", "g_GlobalAveragePool", "f_Flatten", "y_Gemm"}


def test_run_many_runs_each(small_net, save):
    results = list(open_file(save(small_net)).run_many([{"x": X}, {"x": 2 * X}]))
    assert len(results) == 2 and not np.array_equal(results[0]["y_Gemm"], results[1]["y_Gemm"])


def test_missing_inputs_and_wrong_shapes_are_one_sentence(small_net, save):
    session = open_file(save(small_net))
    with pytest.raises(TpucError, match='no input "x" was given; the model takes x'):
        session.run({"z": X})
    with pytest.raises(TpucError, match="onnxruntime: "):
        session.run({"x": X[:, :2]})


def typed_model(dtype, shape=(3,)):
    """y = x as float, and x itself."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [helper.make_node("Cast", ["x"], ["y"], to=onnx.TensorProto.FLOAT), helper.make_node("Identity", ["x"], ["z"])]
    outputs = [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, shape), helper.make_tensor_value_info("z", kind, shape)]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", kind, shape)], outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


@pytest.mark.parametrize("shape", [(3,), ()])
@pytest.mark.parametrize("dtype", ["float16", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"])
def test_inputs_of_every_type_and_without_axes(dtype, shape, save):
    session = open_file(save(typed_model(dtype, shape)))
    assert session.inputs[0].dtype == dtype and session.inputs[0].shape == shape
    x = np.ones(shape, np.float32)
    tensors = session.run({"x": x}, all_tensors=True)
    np.testing.assert_array_equal(tensors["y_Cast"], x)
    assert tensors["z_Identity"].dtype == dtype and tensors["z_Identity"].shape == shape


def test_text_cannot_be_given(save):
    model = typed_model("float32")
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.STRING
    model.graph.output[1].type.tensor_type.elem_type = onnx.TensorProto.STRING
    with pytest.raises(TpucError, match=r'input "x" is a tensor\(string\): only tensors of numbers can be given'):
        open_file(save(model)).run({"x": X})
