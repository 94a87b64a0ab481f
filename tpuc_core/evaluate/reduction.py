"""Reductions along dims, and what sorts along one."""

from __future__ import annotations

import numpy as np

from tpuc_core.evaluate.registry import Array, BoundOp, evaluates

_REDUCTIONS = {
    "ReduceMean": np.mean, "ReduceSum": np.sum, "ReduceMax": np.max, "ReduceMin": np.min, "ReduceProd": np.prod,
    "ReduceL1": lambda x, axis: np.sum(np.abs(x), axis), "ReduceL2": lambda x, axis: np.sqrt(np.sum(np.square(x), axis)),
}


@evaluates("Reduce")
def reduce(op: BoundOp, x: Array) -> Array:
    return _REDUCTIONS[op.get("mode")](x, tuple(op.get("axes"))).reshape(op.shape)


@evaluates("Variance")
def variance(op: BoundOp, x: Array) -> Array:
    return x.var(tuple(op.get("reduce_list")), ddof=op.get("correction")).reshape(op.shape)


@evaluates("Arg")
def arg(op: BoundOp, x: Array) -> tuple[Array, Array]:
    """The place of the greatest or least element along `axis` (the last or first of equal ones), and the element."""
    axis = op.get("axis") % x.ndim
    find = np.argmax if op.get("mode") == "ArgMax" else np.argmin
    if op.get("select_last_index"):
        places = x.shape[axis] - 1 - find(np.flip(x, axis), axis)
    else:
        places = find(x, axis)
    places = np.expand_dims(places, axis)
    values = np.take_along_axis(x, places, axis)
    return places.astype(np.float32).reshape(op.shape), values.reshape(op.shape)


@evaluates("TopK")
def top_k(op: BoundOp, x: Array, k: Array | None = None) -> tuple[Array, Array]:
    """The K greatest or least elements along `axis`, in order, and their places; equal ones by place."""
    axis = op.get("axis") % x.ndim
    count = int(np.ravel(k)[0]) if k is not None and op.get("K", -1) < 0 else op.get("K")
    places = np.argsort(-x if op.get("largest") else x, axis, kind="stable").take(range(count), axis)
    return np.take_along_axis(x, places, axis), places.astype(np.float32)


@evaluates("CumSum")
def cumulative_sum(op: BoundOp, x: Array, dim: Array | None = None) -> Array:
    return np.cumsum(x, op.get("axis"), dtype=np.float32)
