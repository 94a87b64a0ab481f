import threading

import numpy as np
import pytest

from tpuc_core.errors import TpucError
from tpuc_core.evaluate import Evaluator, FloatSession, evaluate
from tpuc_core.ir import Model, tensor_type, top

SHAPE = (1, 2, 4, 4)
FILTER = np.arange(3 * 2, dtype=np.float32).reshape(3, 2, 1, 1) - 2


@pytest.fixture
def model():
    """y = sum over the cells of relu(conv 1x1 of x), beside an op whose result nobody uses."""
    model = Model.new("net", "ONNX", [tensor_type(SHAPE)])
    block = model.main.body.block

    def add(op):
        block.add_op(op)
        return op.results[0]

    x = add(top.InputOp.make("x", [block.args[0]], tensor_type(SHAPE)))
    weight = add(top.WeightOp.make("w", [], tensor_type(FILTER.shape)))
    bias = add(top.WeightOp.make("b", [], tensor_type((3,))))
    model.weights.update(w=FILTER, b=np.float32([1, 0, -1]))
    conv = add(top.ConvOp.make("c_Relu", [x, weight, bias], tensor_type((1, 3, 4, 4)), kernel_shape=[1, 1], strides=[1, 1],
                               pads=[0, 0, 0, 0], do_relu=True))
    add(top.AbsOp.make("unused_Abs", [conv], tensor_type((1, 3, 4, 4))))
    total = add(top.ReduceOp.make("y_ReduceSum", [conv], tensor_type((1, 3)), axes=[2, 3], keepdims=False, mode="ReduceSum"))
    model.set_outputs([total])
    return model


X = np.random.default_rng(3).standard_normal(SHAPE).astype(np.float32)
CONV = np.maximum(np.einsum("oc,nchw->nohw", FILTER[:, :, 0, 0], X) + np.float32([1, 0, -1]).reshape(3, 1, 1), 0)


def test_every_tensor_in_order_of_computation(model):
    tensors = evaluate(model, {"x": X})
    assert list(tensors) == ["x", "c_Relu", "unused_Abs", "y_ReduceSum"]
    np.testing.assert_allclose(tensors["c_Relu"], CONV, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tensors["y_ReduceSum"], CONV.sum((2, 3)), rtol=1e-5)


def test_only_what_is_kept_and_the_callback_sees_all(model):
    seen = []
    kept = Evaluator(model).run({"x": X}, keep=["y_ReduceSum"], callback=lambda name, array: seen.append((name, array.shape)))
    assert list(kept) == ["y_ReduceSum"]
    assert seen == [("x", SHAPE), ("c_Relu", (1, 3, 4, 4)), ("unused_Abs", (1, 3, 4, 4)), ("y_ReduceSum", (1, 3))]


def test_threads_may_share_an_evaluator(model):
    evaluator = Evaluator(model)
    inputs = [X * np.float32(i) for i in range(8)]
    results = [None] * 8

    def run(i):
        results[i] = evaluator.run({"x": inputs[i]}, keep=["c_Relu"])["c_Relu"]

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for x, result in zip(inputs, results):
        np.testing.assert_array_equal(result, evaluate(model, {"x": x})["c_Relu"])


def test_wrong_inputs_are_refused(model):
    with pytest.raises(TpucError, match='input "x" is missing; given: z'):
        evaluate(model, {"z": X})
    with pytest.raises(TpucError, match=r"shape \[1, 2, 4, 3\] where the model wants \[1, 2, 4, 4\]"):
        evaluate(model, {"x": X[..., :3]})


def test_ops_without_an_evaluation_are_all_named(model):
    block = model.main.body.block
    x = model.inputs[0].results[0]
    for op in (top.NonZeroOp.make("places", [x], tensor_type((4, 32)), order="RowMajor"),
               top.ShapeOp.make("extents", [x], tensor_type((4,)))):
        block.insert_op_before(op, block.last_op)
    with pytest.raises(TpucError, match=r'top\.NonZero "places", top\.Shape "extents"'):
        Evaluator(model)


def test_a_result_of_another_shape_than_the_model_says_is_an_error(model):
    model.ops()[2].set(axes=[3])
    with pytest.raises(TpucError, match="y_ReduceSum"):
        evaluate(model, {"x": X})


def test_a_session_takes_a_single_input_by_any_name_and_runs_many(model):
    session = FloatSession(model)
    assert [(i.name, i.shape) for i in session.inputs] == [("x", SHAPE)]
    assert session.preprocessing is None
    many = list(session.run_many({"any": X * np.float32(i)} for i in range(5)))
    for i, outputs in enumerate(many):
        np.testing.assert_array_equal(outputs["y_ReduceSum"], session.run({"x": X * np.float32(i)})["y_ReduceSum"])
    assert list(session.run({"x": X}, all_tensors=True)) == ["x", "c_Relu", "unused_Abs", "y_ReduceSum"]


def test_a_rerun_computes_what_depends_on_a_change(model):
    evaluator = Evaluator(model)
    tensors = evaluator.run({"x": X})
    changed = evaluator.rerun(tensors, {"c_Relu": 2 * CONV}, ["x", "y_ReduceSum"])
    np.testing.assert_allclose(changed["y_ReduceSum"], 2 * tensors["y_ReduceSum"], rtol=1e-5)
    assert changed["x"] is tensors["x"]
    other = evaluator.run({"x": 3 * X})
    np.testing.assert_array_equal(evaluator.rerun(tensors, {"x": 3 * X}, ["y_ReduceSum"])["y_ReduceSum"], other["y_ReduceSum"])


def test_one_tensor_computed_with_other_constants(model):
    evaluator = Evaluator(model)
    tensors = evaluator.run({"x": X})
    np.testing.assert_array_equal(evaluator.compute("c_Relu", tensors), tensors["c_Relu"])
    assert not evaluator.compute("c_Relu", tensors, {1: 0 * FILTER, 2: np.float32([-1, -1, -1])}).any()
    with pytest.raises(TpucError, match='no op computes a tensor "x"'):
        evaluator.compute("x", tensors)
