"""`If` nodes: which branch is known before anything runs."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tpuc_onnx.plugin import OnnxFrontend

from tpuc_core.errors import TpucError
from tpuc_core.evaluate import evaluate
from tpuc_core.hookspecs import FrontendOptions


def branch(name, op, operands):
    """A graph of one node that reads tensors of the graph outside."""
    result = helper.make_tensor_value_info("result", TensorProto.FLOAT, None)
    return helper.make_graph([helper.make_node(op, operands, ["result"])], name, [], [result])


def model_of(condition, inputs):
    """y = If(cond): Relu(x), else: Neg(x); `condition` are the nodes that make cond."""
    choice = helper.make_node("If", ["cond"], ["y"], name="choice", then_branch=branch("t", "Relu", ["x"]), else_branch=branch("e", "Neg", ["x"]))
    values = [helper.make_tensor_value_info(n, t, s) for n, (t, s) in inputs.items()]
    weights = [numpy_helper.from_array(np.array(v, np.int64), n) for n, v in {"two": 2, "rate": 16000, "zero": 0}.items()]
    graph = helper.make_graph([*condition, choice], "g", values, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


X = {"x": (TensorProto.FLOAT, ["n", 3])}
ROWS = [helper.make_node("Shape", ["x"], ["shape"]), helper.make_node("Gather", ["shape", "zero"], ["rows"]),
        helper.make_node("Equal", ["rows", "two"], ["cond"])]
RATE = [helper.make_node("Equal", ["sr", "rate"], ["cond"])]


@pytest.mark.parametrize(("rows", "wanted"), [(2, [0, 5]), (1, [3, -5])])
def test_a_shape_decides(rows, wanted, tmp_path):
    onnx.save(model_of(ROWS, X), tmp_path / "m.onnx")
    model = OnnxFrontend().load([tmp_path / "m.onnx"], FrontendOptions("m", [[rows, 3]]))
    x = np.tile(np.float32([-3, 5, 0]), (rows, 1))
    (y,) = list(evaluate(model, {"x": x}).values())[-1:]
    np.testing.assert_array_equal(y[0, :2], wanted)


@pytest.mark.parametrize(("rate", "wanted"), [(16000, [0, 5]), (8000, [3, -5])])
def test_an_input_that_never_changes_decides(rate, wanted, tmp_path):
    onnx.save(model_of(RATE, X | {"sr": (TensorProto.INT64, [])}), tmp_path / "m.onnx")
    model = OnnxFrontend().load([tmp_path / "m.onnx"], FrontendOptions("m", [[1, 3]], constant_inputs={"sr": rate}))
    (y,) = list(evaluate(model, {"x": np.float32([[-3, 5, 0]])}).values())[-1:]
    np.testing.assert_array_equal(y[0, :2], wanted)


def test_a_condition_on_values_is_refused_with_a_way_out(tmp_path):
    onnx.save(model_of(RATE, X | {"sr": (TensorProto.INT64, [])}), tmp_path / "m.onnx")
    with pytest.raises(TpucError, match=r"depends on values of sr; .*--constant_inputs sr=VALUE"):
        OnnxFrontend().load([tmp_path / "m.onnx"], FrontendOptions("m", [[1, 3], []]))
