"""Small ONNX models, made in place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper


@pytest.fixture
def make_model() -> Callable[..., onnx.ModelProto]:
    """A model of nodes (op, inputs, outputs, attributes), inputs by name and shape, outputs by name, weights by name."""

    def make(nodes, inputs, outputs, weights=None, opset=13) -> onnx.ModelProto:
        protos = [helper.make_node(op, ins, outs, name=f"n{i}", **attributes) for i, (op, ins, outs, attributes) in enumerate(nodes)]
        values = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, s) for n, s in inputs.items()]
        ends = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in outputs]
        initializers = [numpy_helper.from_array(np.asarray(a), n) for n, a in (weights or {}).items()]
        graph = helper.make_graph(protos, "net", values, ends, initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)

    return make


@pytest.fixture
def small_net(make_model) -> onnx.ModelProto:
    """conv + batch norm + relu, a residual branch, pooling, a matrix product: x [1, 3, 8, 8] -> y [1, 5]."""
    rng = np.random.default_rng(0)
    weights = {
        "w0": rng.normal(size=(4, 3, 3, 3)), "b0": rng.normal(size=4), "gamma": rng.uniform(0.5, 1.5, 4), "beta": rng.normal(size=4),
        "mean": rng.normal(size=4), "variance": rng.uniform(0.5, 1.5, 4), "w1": rng.normal(size=(4, 4, 1, 1)),
        "fc": rng.normal(size=(5, 4)), "fb": rng.normal(size=5),
    }
    nodes = [
        ("Conv", ["x", "w0", "b0"], ["c0"], {"pads": [1, 1, 1, 1]}),
        ("BatchNormalization", ["c0", "gamma", "beta", "mean", "variance"], ["bn"], {"epsilon": 1e-3}),
        ("Relu", ["bn"], ["r0"], {}),
        ("Conv", ["r0", "w1"], ["c1"], {}),
        ("Add", ["c1", "r0"], ["a"], {}),
        ("GlobalAveragePool", ["a"], ["g"], {}),
        ("Flatten", ["g"], ["f"], {}),
        ("Gemm", ["f", "fc", "fb"], ["y"], {"transB": 1}),
    ]
    return make_model(nodes, {"x": (1, 3, 8, 8)}, ["y"], {n: a.astype(np.float32) for n, a in weights.items()})


@pytest.fixture
def save(tmp_path) -> Callable[[onnx.ModelProto], str]:
    def write(model: onnx.ModelProto, name: str = "net.onnx") -> str:
        onnx.save(model, tmp_path / name)
        return str(tmp_path / name)

    return write
