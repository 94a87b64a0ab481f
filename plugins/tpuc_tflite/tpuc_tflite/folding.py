"""Nodes on constants, by numpy: what remains of shapes, and weights that a file stores in another form."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tpuc_tflite.graph import Graph, Node
from tpuc_tflite.slices import strided_slices
from tpuc_tflite.sparsity import densify

Fold = Callable[[Node, Sequence[np.ndarray], Graph], np.ndarray]


def fold(node: Node, inputs: Sequence[np.ndarray | None], graph: Graph) -> list[np.ndarray] | None:
    """The outputs of a node on constants, or None where it is to be imported."""
    if node.op == "DENSIFY":
        tensor = graph.tensors[node.input(0)]
        return (
            None
            if tensor.data is None or tensor.sparsity is None
            else [densify(tensor.data, tensor.shape, tensor.sparsity)]
        )
    function = _FOLDS.get(node.op)
    if function is None or any(array is None for array in inputs) or not _is_exact(node, graph):
        return None
    result = function(node, [array for array in inputs if array is not None], graph)
    return [np.asarray(result)]


def _is_exact(node: Node, graph: Graph) -> bool:
    """Whether no quantized numbers are computed with: those only move."""
    return node.op in _MOVES or not any(graph.tensors[i].is_quantized for i in (*node.inputs, *node.outputs) if i >= 0)


def _dequantize(node: Node, inputs: Sequence[np.ndarray], graph: Graph) -> np.ndarray:
    quantization = graph.tensors[node.input(0)].quantization
    array = inputs[0].astype(np.float32)
    if quantization is None or inputs[0].dtype == np.float16:
        return array
    shape = [1] * array.ndim
    if quantization.is_per_axis:
        shape[quantization.axis] = -1
    scales, zeros = (
        np.array(v, np.float32).reshape(shape if len(v) > 1 else ())
        for v in (quantization.scales, quantization.zero_points)
    )
    return (array - zeros) * scales


def _strided_slice(node: Node, inputs: Sequence[np.ndarray], graph: Graph) -> np.ndarray:
    slices = strided_slices(node, inputs[0].shape, *inputs[1:4])
    return inputs[0][slices.index()].reshape(slices.result_shape)


def _reduce(function: Callable) -> Fold:
    return lambda node, i, g: function(
        i[0], axis=tuple(int(a) for a in np.atleast_1d(i[1])), keepdims=bool(node.option("KeepDims", False))
    )


_MOVES: dict[str, Fold] = {
    "CONCATENATION": lambda n, i, g: np.concatenate(list(i), n.option("Axis", 0)),
    "EXPAND_DIMS": lambda n, i, g: np.expand_dims(i[0], int(i[1].reshape(-1)[0])),
    "GATHER": lambda n, i, g: np.take(i[0], i[1].astype(np.int64), axis=n.option("Axis", 0)),
    "PACK": lambda n, i, g: np.stack(list(i), n.option("Axis", 0)),
    "RESHAPE": lambda n, i, g: i[0].reshape([int(d) for d in (i[1] if len(i) > 1 else n.option("NewShapeAsNumpy"))]),
    "SQUEEZE": lambda n, i, g: i[0].reshape(g.tensors[n.outputs[0]].shape),
    "STRIDED_SLICE": _strided_slice,
    "TILE": lambda n, i, g: np.tile(i[0], i[1]),
    "TRANSPOSE": lambda n, i, g: i[0].transpose(i[1]),
    "BROADCAST_TO": lambda n, i, g: np.broadcast_to(i[0], i[1]),
}
_COMPUTES: dict[str, Fold] = {
    "ADD": lambda n, i, g: i[0] + i[1],
    "CAST": lambda n, i, g: i[0].astype(g.tensors[n.outputs[0]].dtype),
    "DEQUANTIZE": _dequantize,
    "DIV": lambda n, i, g: (i[0] / i[1] if i[0].dtype.kind == "f" else np.trunc(i[0] / i[1])).astype(i[0].dtype),
    "FILL": lambda n, i, g: np.full(i[0], i[1]),
    "FLOOR_DIV": lambda n, i, g: i[0] // i[1],
    "MAXIMUM": lambda n, i, g: np.maximum(i[0], i[1]),
    "MINIMUM": lambda n, i, g: np.minimum(i[0], i[1]),
    "MUL": lambda n, i, g: i[0] * i[1],
    "NEG": lambda n, i, g: -i[0],
    "RANGE": lambda n, i, g: np.arange(i[0].reshape(-1)[0], i[1].reshape(-1)[0], i[2].reshape(-1)[0], i[0].dtype),
    "REDUCE_PROD": _reduce(np.prod),
    "RSQRT": lambda n, i, g: 1 / np.sqrt(i[0]),
    "SQRT": lambda n, i, g: np.sqrt(i[0]),
    "SUB": lambda n, i, g: i[0] - i[1],
    "SUM": _reduce(np.sum),
}
_FOLDS = _MOVES | _COMPUTES
