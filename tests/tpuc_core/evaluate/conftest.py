"""Ops without an IR, and onnxruntime as the oracle."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from tpuc_core.evaluate.registry import BoundOp, evaluation_of


class _Attributes:
    def __init__(self, name, values):
        self.name, self.values = name, values

    def get(self, name):
        return self.values.get(name)


@pytest.fixture(scope="session")
def run_op():
    """run_op("Conv", [operands], shapes, attribute=value...) -> the result, or the results where `shape` is a list."""

    def run(kind, operands, shape, **attributes):
        shapes = shape if isinstance(shape, list) else [shape]
        result = evaluation_of(kind)(BoundOp(f"top.{kind}", _Attributes(kind, attributes), shapes), *operands)
        return result if isinstance(shape, list) else np.asarray(result)

    return run


@pytest.fixture(scope="session")
def run_onnx():
    """run_onnx("Conv", [operands], attribute=value...) -> the first result of a one-node model in onnxruntime."""

    def run(kind, operands, opset=13, **attributes):
        types = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
        names = [f"i{n}" if x is not None else "" for n, x in enumerate(operands)]
        given = {n: x for n, x in zip(names, operands) if x is not None}
        graph = helper.make_graph(
            [helper.make_node(kind, names, ["y"], **attributes)], "one",
            [helper.make_tensor_value_info(n, types[str(x.dtype)], x.shape) for n, x in given.items()],
            [onnx.ValueInfoProto(name="y")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(None, given)[0]

    return run


@pytest.fixture
def normal():
    """normal(shape) -> float32 numbers of a standard normal distribution, the same in every run."""
    random = np.random.default_rng(20)
    return lambda *shape: random.standard_normal(shape).astype(np.float32)
