"""What moves elements without computing."""

from __future__ import annotations

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.evaluate.activation import fused_relu
from tpuc_core.evaluate.registry import Array, BoundOp, evaluates


@evaluates("Reshape", "Flatten", "Squeeze", "Unsqueeze", "View")
def reshape(op: BoundOp, x: Array, *_: Array | None) -> Array:
    return x.reshape(op.shape)


@evaluates("Permute")
def permute(op: BoundOp, x: Array) -> Array:
    """Dim i of the result is dim order[i] of the input."""
    return x.transpose(op.get("order"))


@evaluates("Transpose")
def transpose(op: BoundOp, x: Array) -> Array:
    return x.swapaxes(op.get("dim0"), op.get("dim1"))


@evaluates("Concat")
def concat(op: BoundOp, *operands: Array) -> Array:
    return fused_relu(op, np.concatenate(operands, op.get("axis")))


@evaluates("Split")
def split(op: BoundOp, x: Array) -> list[Array]:
    axis = op.get("axis")
    ends = np.cumsum([shape[axis] for shape in op.shapes])
    return np.split(x, ends[:-1], axis)


@evaluates("Pack")
def pack(op: BoundOp, *operands: Array) -> Array:
    return np.stack(operands, op.get("axis"))


@evaluates("Unpack")
def unpack(op: BoundOp, x: Array) -> list[Array]:
    return [x.take(i, op.get("axis")) for i in range(len(op.shapes))]


@evaluates("Slice")
def slice_(op: BoundOp, x: Array, *bounds: Array | None) -> Array:
    """Every steps[d]-th element of dim d from offset[d] on, as many as the result has; `axes` names dims where only
    some are sliced."""
    if any(bound is not None for bound in bounds):
        raise TpucError("slices with bounds that are computed are not evaluated")
    offsets, steps = op.get("offset"), op.get("steps")
    axes = op.get("axes") or range(len(offsets))
    index: list[slice] = [slice(None)] * x.ndim
    for axis, offset, step in zip(axes, offsets, steps):
        extent, count = x.shape[axis], op.shape[axis]
        start = min(max(offset + extent if offset < 0 else offset, 0), extent - 1 if step < 0 else extent)
        stop = start + step * count
        index[axis] = slice(start, stop if stop >= 0 else None, step)
    return x[tuple(index)]


@evaluates("Pad")
def pad(op: BoundOp, x: Array, paddings: Array | None = None) -> Array:
    """paddings: all begins, then all ends; negative ones cut off."""
    widths = op.get("paddings")
    pairs = list(zip(widths[:x.ndim], widths[x.ndim:]))
    x = x[tuple(slice(max(0, -begin), n - max(0, -end)) for (begin, end), n in zip(pairs, x.shape))]
    pairs = [(max(0, begin), max(0, end)) for begin, end in pairs]
    mode = op.get("mode")
    if mode == "constant":
        return np.pad(x, pairs, constant_values=np.float32(op.get("val", 0.0)))
    return np.pad(x, pairs, mode)


@evaluates("Tile")
def tile(op: BoundOp, x: Array, repeats: Array | None = None) -> Array:
    return np.tile(x, op.get("tile") or [r // n for r, n in zip(op.shape, x.shape)])


@evaluates("Expand")
def expand(op: BoundOp, x: Array, shape: Array | None = None) -> Array:
    return np.broadcast_to(x, op.shape)


@evaluates("Reverse")
def reverse(op: BoundOp, x: Array) -> Array:
    return np.flip(x, op.get("axis"))


@evaluates("Upsample")
def upsample(op: BoundOp, x: Array) -> Array:
    """Every cell scale_h times in height and scale_w times in width."""
    return fused_relu(op, x.repeat(op.get("scale_h"), 2).repeat(op.get("scale_w"), 3))


@evaluates("Depth2Space")
def depth_to_space(op: BoundOp, x: Array) -> Array:
    """Channels to blocks [block_h, block_w] of cells, or back with is_inversed. The channel is (block, c), or with
    is_CRD (c, block)."""
    if not op.get("in_is_NCHW") or not op.get("out_is_NCHW") or op.get("swap_cr"):
        raise TpucError("Depth2Space is evaluated for NCHW tensors with blocks in row order only")
    n, c, h, w = x.shape
    bh, bw = op.get("block_h"), op.get("block_w")
    if op.get("is_inversed"):
        blocks = x.reshape(n, c, h // bh, bh, w // bw, bw)
        order = (0, 1, 3, 5, 2, 4) if op.get("is_CRD") else (0, 3, 5, 1, 2, 4)
        return blocks.transpose(order).reshape(op.shape)
    if op.get("is_CRD"):
        return x.reshape(n, -1, bh, bw, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(op.shape)
    return x.reshape(n, bh, bw, -1, h, w).transpose(0, 3, 4, 1, 5, 2).reshape(op.shape)


@evaluates("ShuffleChannel")
def shuffle_channel(op: BoundOp, x: Array) -> Array:
    n, c, *spatial = x.shape
    group = op.get("group")
    return x.reshape(n, group, c // group, *spatial).swapaxes(1, 2).reshape(x.shape)


@evaluates("SwapChannel")
def swap_channel(op: BoundOp, x: Array) -> Array:
    return x.take(op.get("channel_order"), 1)


@evaluates("Trilu")
def triangle(op: BoundOp, x: Array) -> Array:
    return (np.triu if op.get("upper") else np.tril)(x, op.get("diagonal"))


@evaluates("ConstantFill")
def constant_fill(op: BoundOp, x: Array) -> Array:
    return np.full(op.shape, op.get("value"), np.float32)
