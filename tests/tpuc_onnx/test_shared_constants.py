"""Constants that several nodes read, each in a form of its own."""

import numpy as np
import onnxruntime
import pytest
from tpuc_onnx.graph import Graph
from tpuc_onnx.importer import import_graph
from tpuc_onnx.simplify import simplify

from tpuc_core.evaluate import evaluate
from tpuc_core.ir import tensor_name

GEMMS = [("Gemm", ["x", "w"], ["a"], {"transB": 1, "alpha": 2.0}), ("Gemm", ["a", "w"], ["b"], {}),
         ("Gemm", ["b", "w"], ["c"], {"transB": 1, "alpha": 0.5}), ("MatMul", ["c", "w"], ["y"], {})]
CONVOLUTIONS = [("Conv", ["x", "w"], ["a"], {}), ("ConvTranspose", ["a", "w"], ["y"], {})]
BIASES = [("LayerNormalization", ["x", "g", "g"], ["a"], {}), ("Mul", ["a", "g"], ["b"], {}),
          ("Gemm", ["b", "w", "g"], ["c"], {"beta": 2.0}), ("Gemm", ["c", "w", "g"], ["y"], {"beta": 0.5})]


@pytest.mark.parametrize("nodes, shape, weights", [
    (GEMMS, (2, 8), {"w": (8, 8)}), (CONVOLUTIONS, (1, 4, 6, 6), {"w": (4, 4, 1, 1)}), (BIASES, (2, 8), {"w": (8, 8), "g": (8,)}),
], ids=["matrix", "filter", "bias"])
def test_each_node_has_its_own_form_of_a_constant(make_model, nodes, shape, weights):
    rng = np.random.default_rng(0)
    arrays = {name: rng.standard_normal(axes).astype(np.float32) for name, axes in weights.items()}
    model = make_model(nodes, {"x": shape}, ["y"], arrays, opset=17)
    x = rng.standard_normal(shape).astype(np.float32)
    (wanted,) = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(["y"], {"x": x})
    imported = import_graph(Graph.from_model(simplify(model, None, ())), "net")
    found = evaluate(imported, {"x": x})[tensor_name(imported.outputs[0])]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
