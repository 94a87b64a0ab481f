"""FULLY_CONNECTED and BATCH_MATMUL."""

from __future__ import annotations

import math

import numpy as np

from tpuc_core.ir import shape_of, top
from tpuc_tflite.elements import element_of
from tpuc_tflite.graph import Node
from tpuc_tflite.importer import Importer
from tpuc_tflite.layout import TO_PLANAR
from tpuc_tflite.registry import Unsupported, converts


@converts("FULLY_CONNECTED")
def fully_connected(importer: Importer, node: Node) -> None:
    """x [rows, k] times the transposed weights [n, k]. What became [n, c, h, w] stays so: the weights are ordered after it."""
    weights = importer.parameter(node, 1, "weights")
    if node.option("WeightsFormat", 0):
        raise Unsupported("shuffled weights")
    index, columns = node.input(0), weights.shape[1]
    layout, shape = importer.home(index), importer.shape(index)
    keeps = bool(node.option("KeepNumDims", False))
    if layout.shape is not None and not keeps and math.prod(layout.shape[1:]) == columns:
        n, h, w, c = layout.shape
        weights = weights.reshape(-1, h, w, c).transpose(TO_PLANAR).reshape(weights.shape)
        x, rows = importer.value(index), [n, columns]
    else:
        x, rows = importer.plain(index), list(shape) if keeps else [math.prod(shape) // columns, columns]
    if list(shape_of(x)) != rows:
        tensor = importer.tensor(index)
        x = importer.emit_named(
            importer.new_name(f"{tensor.name}_rows"), top.ReshapeOp, [x], element_of(tensor), shape=rows
        )
    right = importer.weight(node.input(1), np.ascontiguousarray(weights.T), axis=1)
    bias = importer.none() if node.input(2) < 0 else importer.weight(node.input(2), importer.parameter(node, 2, "bias"))
    importer.emit_activated(node, top.MatMulOp, [x, right, bias])


@converts("BATCH_MATMUL")
def batch_matmul(importer: Importer, node: Node) -> None:
    """Two tensors, each transposed where AdjX, AdjY say so."""
    left, right = (importer.plain(i) for i in node.inputs[:2])
    importer.emit(
        node,
        top.MatMulOp,
        [left, right, importer.none()],
        left_transpose=bool(node.option("AdjX", False)),
        right_transpose=bool(node.option("AdjY", False)),
    )
