"""Constant folding of single nodes: what remains constant once all shapes are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx

from tpuc_onnx.graph import Node

# nodes whose value is another one at every run
RANDOM_OPS = frozenset(("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"))


def evaluate_node(node: Node, inputs: Sequence[np.ndarray | None], opset: int) -> list[np.ndarray] | None:
    """The outputs of a node on constant inputs, or None where it cannot be evaluated."""
    if node.op in RANDOM_OPS or any(isinstance(value, onnx.GraphProto) for value in node.attributes.values()):
        return None
    if node.op == "Constant":
        return [_constant_of(node)]
    if node.op in ("Identity", "Dropout") and inputs[0] is not None:
        return [inputs[0]]
    return _evaluate(node, inputs, opset)


def _constant_of(node: Node) -> np.ndarray:
    for kind, dtype in (("value_float", np.float32), ("value_floats", np.float32), ("value_int", np.int64), ("value_ints", np.int64)):
        if kind in node.attributes:
            return np.array(node.attributes[kind], dtype)
    return np.asarray(node.attributes["value"])


def _evaluate(node: Node, inputs: Sequence[np.ndarray | None], opset: int) -> list[np.ndarray] | None:
    from onnx.reference import ReferenceEvaluator

    names = [f"i{i}" if array is not None else "" for i, array in enumerate(inputs)]
    proto = onnx.helper.make_node(node.op, names, [f"o{i}" for i in range(len(node.outputs))], **_tensor_attributes(node))
    feeds = {name: array for name, array in zip(names, inputs) if array is not None}
    try:
        values = [onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in feeds.items()]
        outputs = [onnx.helper.make_empty_tensor_value_info(f"o{i}") for i in range(len(node.outputs))]
        graph = onnx.helper.make_graph([proto], "fold", values, outputs)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
        return [np.asarray(array) for array in ReferenceEvaluator(model).run(None, feeds)]
    except Exception:  # no reference implementation: the node is then imported, or named as unsupported
        return None


def _tensor_attributes(node: Node) -> dict:
    return {k: onnx.numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v for k, v in node.attributes.items()}
