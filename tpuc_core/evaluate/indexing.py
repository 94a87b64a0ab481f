"""What takes elements by indices. Indices are integers in float32 arrays."""

from __future__ import annotations

import numpy as np

from tpuc_core.evaluate.registry import Array, BoundOp, evaluates


def _indices(values: Array) -> Array:
    return np.rint(values).astype(np.int64)


@evaluates("Gather")
def gather(op: BoundOp, x: Array, indices: Array) -> Array:
    return x.take(_indices(indices), op.get("axis")).reshape(op.shape)


@evaluates("GatherElements")
def gather_elements(op: BoundOp, x: Array, indices: Array) -> Array:
    return np.take_along_axis(x, _indices(indices), op.get("axis"))


@evaluates("GatherND")
def gather_nd(op: BoundOp, x: Array, indices: Array) -> Array:
    """ONNX's GatherND: the last dim of `indices` is a place in the dims of x after the first `batch_dims`."""
    batch = op.get("batch_dims", 0)
    places = _indices(indices)
    lead = x.shape[:batch]
    rows = x.reshape(-1, *x.shape[batch:])
    flat = places.reshape(rows.shape[0] if batch else 1, -1, places.shape[-1])
    if not batch:
        rows = x[None]
    taken = [row[tuple(np.moveaxis(place, -1, 0))] for row, place in zip(rows, flat)]
    return np.stack(taken).reshape(*lead, *op.shape[len(lead):])


@evaluates("ScatterElements")
def scatter_elements(op: BoundOp, x: Array, indices: Array, updates: Array) -> Array:
    """ONNX's ScatterElements; with `reduction` 1 updates are added."""
    axis = op.get("axis") % x.ndim
    places = list(np.indices(updates.shape))
    places[axis] = _indices(indices)
    return _scattered(op, x, tuple(places), updates)


@evaluates("ScatterND")
def scatter_nd(op: BoundOp, x: Array, indices: Array, updates: Array) -> Array:
    """ONNX's ScatterND; with `reduction` 1 updates are added."""
    return _scattered(op, x, tuple(np.moveaxis(_indices(indices), -1, 0)), updates)


def _scattered(op: BoundOp, x: Array, places: tuple[Array, ...], updates: Array) -> Array:
    y = x.copy()
    if op.get("reduction", 0):
        np.add.at(y, places, updates)
    else:
        y[places] = updates
    return y
