import numpy as np
import pytest
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
