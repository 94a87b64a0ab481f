"""The element types of tensors, which an imported model, all float32, leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnx

if TYPE_CHECKING:
    from tpuc_onnx.graph import Node

BOOLEAN = frozenset(("And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Not", "Or", "Xor"))
INDICES = frozenset(("ArgMax", "ArgMin", "NonZero", "Shape", "Size"))
# operators whose result has the type of another input than the first
TYPE_OF_INPUT = {"Where": 1, "OneHot": 2, "CastLike": 1, "ScatterND": 2, "ScatterElements": 2}
INT64, FLOAT, BOOL = np.dtype(np.int64), np.dtype(np.float32), np.dtype(np.bool_)


def dtype_of_tensor_type(tensor_type: int) -> np.dtype:
    """numpy's type for a number of onnx.TensorProto; those that numpy lacks count as float32."""
    try:
        return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor_type))
    except (KeyError, TypeError, ValueError):
        return FLOAT


def result_dtypes(node: Node, inputs: Sequence[np.dtype]) -> list[np.dtype]:
    """The types of a node's outputs, given those of its inputs."""
    first = inputs[0] if inputs else FLOAT
    if node.op in BOOLEAN:
        first = BOOL
    elif node.op in INDICES:
        first = INT64
    elif node.op == "Cast":
        first = dtype_of_tensor_type(int(node.get("to", 1)))
    elif node.op in TYPE_OF_INPUT and len(inputs) > TYPE_OF_INPUT[node.op]:
        first = inputs[TYPE_OF_INPUT[node.op]]
    rest = INT64 if node.op in ("TopK", "MaxPool") else BOOL if node.op == "Dropout" else first
    return [first, *[rest] * (len(node.outputs) - 1)]


def is_integer(dtype: np.dtype) -> bool:
    """Whether a type holds integers; bool does not count."""
    return dtype.kind in "iu"
