"""Functions of a model, and of ONNX itself, are replaced by their bodies."""

import numpy as np
from onnx import helper
from tpuc_onnx.plugin import OnnxFrontend

from tpuc_core.evaluate import evaluate
from tpuc_core.hookspecs import FrontendOptions

X = np.linspace(-3, 3, 6, dtype=np.float32).reshape(1, 6)


def test_a_function_of_the_model(make_model, save):
    body = [helper.make_node("Neg", ["a"], ["n"]), helper.make_node("Add", ["n", "b"], ["c"])]
    model = make_model([("Minus", ["x", "x2"], ["y"], {"domain": "own"})], {"x": (1, 6), "x2": (1, 6)}, ["y"])
    model.functions.append(helper.make_function("own", "Minus", ["a", "b"], ["c"], body, [helper.make_opsetid("", 13)]))
    model.opset_import.append(helper.make_opsetid("own", 1))
    tensors = evaluate(OnnxFrontend().load([save(model)], FrontendOptions("net")), {"x": X, "x2": 3 * X})
    np.testing.assert_array_equal(list(tensors.values())[-1], -X + 3 * X)


def test_an_operator_that_onnx_defines_by_others(make_model, save):
    model = make_model([("Celu", ["x"], ["y"], {"alpha": 2.0})], {"x": (1, 6)}, ["y"])
    tensors = evaluate(OnnxFrontend().load([save(model)], FrontendOptions("net")), {"x": X})
    wanted = np.maximum(X, 0) + np.minimum(0, 2 * (np.exp(X / 2) - 1))
    np.testing.assert_allclose(list(tensors.values())[-1], wanted, rtol=1e-5, atol=1e-6)
