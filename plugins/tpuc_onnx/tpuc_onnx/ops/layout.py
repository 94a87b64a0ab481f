"""Operators that move elements and compute nothing."""

from __future__ import annotations

import math

import numpy as np

from tpuc_core.ir import shape_of, top
from tpuc_onnx.dtypes import dtype_of_tensor_type
from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.registry import Unsupported, converts

NUMBERS = frozenset((np.bool_, np.float16, np.float32, np.float64, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32,
                     np.uint64))
OPEN_END = 1 << 62


@converts("Identity", "Dropout")
def identity(importer: Importer, node: Node) -> None:
    if any(importer.is_used(name) for name in node.outputs[1:]):
        raise Unsupported("the output of a mask")
    training = importer.optional_parameter(node, 2, "training mode") if node.op == "Dropout" else None
    if training is not None and training.any():
        raise Unsupported("training mode")
    importer.bind(node.outputs[0], importer.value(node.input(0)))


@converts("Cast", "CastLike")
def cast(importer: Importer, node: Node) -> None:
    """Only what changes a value is an op: floats to integers, anything to truth values. What is float16 becomes float32."""
    source = importer.dtype(node.input(0))
    target = dtype_of_tensor_type(int(node.get("to", 1))) if node.op == "Cast" else importer.dtype(node.input(1))
    x = importer.value(node.input(0))
    if target.kind == "b" and source.kind != "b":
        importer.emit(node, top.CompareConstOp, [x], mode="NotEqual", const_val=0.0, inversed=False)
    elif target.kind in "iu" and source.kind == "f":
        importer.emit(node, top.CastOp, [x], to="INT32", round_mode="TowardsZero")
    elif target.type not in NUMBERS:
        raise Unsupported(f"a cast to {target}")
    else:
        importer.bind(node.outputs[0], x)


@converts("Shape")
def shape(importer: Importer, node: Node) -> None:
    dims = importer.shape(node.input(0))
    importer.fold(node.outputs[0], np.array(dims[node.get("start", 0) : node.get("end")], np.int64))


@converts("Size")
def size(importer: Importer, node: Node) -> None:
    importer.fold(node.outputs[0], np.array(math.prod(importer.shape(node.input(0))), np.int64))


@converts("Reshape")
def reshape(importer: Importer, node: Node) -> None:
    x = importer.value(node.input(0))
    wanted = importer.integers(node, "shape", 1)
    dims = importer.shape(node.input(0))
    if not wanted:
        importer.mark_scalar(node.outputs[0])
    if not node.get("allowzero", 0):
        wanted = [dims[i] if d == 0 and i < len(dims) else d for i, d in enumerate(wanted)]
    known = math.prod(d for d in wanted if d != -1)
    wanted = [math.prod(dims) // known if d == -1 and known else d for d in wanted]
    importer.emit(node, top.ReshapeOp, [x], shape=wanted)


@converts("Flatten")
def flatten(importer: Importer, node: Node) -> None:
    x = importer.value(node.input(0))
    dims = importer.shape(node.input(0))
    axis = node.get("axis", 1)
    axis = axis + len(dims) if axis < 0 else axis
    importer.emit(node, top.ReshapeOp, [x], shape=[math.prod(dims[:axis]), math.prod(dims[axis:])], flatten_start_dim=axis)


@converts("Squeeze")
def squeeze(importer: Importer, node: Node) -> None:
    x = importer.value(node.input(0))
    dims = importer.shape(node.input(0))
    axes = importer.optional_integers(node, "axes", 1)
    axes = [i for i, d in enumerate(dims) if d == 1] if axes is None else sorted(a % len(dims) for a in axes)
    if len(axes) == len(dims):
        importer.mark_scalar(node.outputs[0])
    if not axes:
        importer.bind(node.outputs[0], x)
        return
    importer.emit(node, top.SqueezeOp, [x], axes=axes)


@converts("Unsqueeze")
def unsqueeze(importer: Importer, node: Node) -> None:
    x = importer.value(node.input(0))
    axes = importer.integers(node, "axes", 1)
    dims = importer.shape(node.input(0))
    rank = len(dims) + len(axes)
    if dims == ():
        importer.emit(node, top.ReshapeOp, [x], shape=[1] * rank)
        return
    importer.emit(node, top.UnsqueezeOp, [x], axes=sorted(a % rank for a in axes))


@converts("Transpose")
def transpose(importer: Importer, node: Node) -> None:
    x = importer.value(node.input(0))
    order = list(node.get("perm") or reversed(range(len(shape_of(x)))))
    importer.emit(node, top.PermuteOp, [x], order=order)


@converts("Concat")
def concat(importer: Importer, node: Node) -> None:
    values = [importer.value(name) for name in node.inputs if 0 not in importer.shape(name)]
    if len(values) == 1:
        importer.bind(node.outputs[0], values[0])
        return
    importer.emit(node, top.ConcatOp, values, axis=int(node.get("axis", 1)) % len(shape_of(values[0])))


@converts("Split")
def split(importer: Importer, node: Node) -> None:
    """One slice for each result."""
    dims = importer.shape(node.input(0))
    axis = int(node.get("axis", 0)) % len(dims)
    sizes = importer.optional_integers(node, "split", 1)
    if sizes is None:
        count = node.get("num_outputs", len(node.outputs))
        step = -(-dims[axis] // count)
        sizes = [min(step, dims[axis] - i * step) for i in range(count)]
    start = 0
    for output, length in zip(node.outputs, sizes):
        begins, ends = [0] * len(dims), list(dims)
        begins[axis], ends[axis] = start, start + length
        start += length
        if output and not length:
            importer.fold(output, np.zeros((*dims[:axis], 0, *dims[axis + 1 :]), np.float32))
        elif output:
            emit_slice(importer, node, f"{output}_{node.op}", output, begins, ends, [1] * len(dims), [axis])


@converts("Slice")
def slice_(importer: Importer, node: Node) -> None:
    dims = importer.shape(node.input(0))
    starts, ends = importer.integers(node, "starts", 1), importer.integers(node, "ends", 2)
    axes = importer.optional_integers(node, "axes", 3)
    axes = list(range(len(starts))) if axes is None else [a % len(dims) for a in axes]
    steps = importer.optional_integers(node, "steps", 4) or [1] * len(axes)
    begins, stops, strides = [0] * len(dims), list(dims), [1] * len(dims)
    for axis, start, end, step in zip(axes, starts, ends, steps):
        taken = range(dims[axis])[slice(max(start, -OPEN_END), max(min(end, OPEN_END), -OPEN_END), step)]
        if not taken:
            raise Unsupported("an empty result")
        begins[axis], stops[axis], strides[axis] = min(taken), max(taken) + 1, abs(step)
    turned = [axis for axis, step in zip(axes, steps) if step < 0]
    name = node.result_names[0]
    emit_slice(importer, node, f"{name}_forward" if turned else name, node.outputs[0], begins, stops, strides, axes)
    for axis in turned:
        final = name if axis == turned[-1] else f"{name}_turned{axis}"
        importer.bind(node.outputs[0], importer.emit_named(final, top.ReverseOp, [importer.value(node.outputs[0])], axis=axis))


def emit_slice(importer: Importer, node: Node, name: str, output: str, begins: list[int], ends: list[int], steps: list[int],
                axes: list[int]) -> None:
    none = importer.none()
    value = importer.emit_named(name, top.SliceOp, [importer.value(node.input(0)), none, none, none],
                                offset=begins, ends=ends, steps=steps, axes=[], hasparamConvert_axes=axes)
    importer.bind(output, value)


@converts("Pad")
def pad(importer: Importer, node: Node) -> None:
    dims = importer.shape(node.input(0))
    pads = importer.integers(node, "pads", 1)
    value = importer.optional_parameter(node, 2, "value")
    axes = importer.optional_integers(node, "axes", 3)
    if axes is not None:
        full = [0] * (2 * len(dims))
        for i, axis in enumerate(a % len(dims) for a in axes):
            full[axis], full[len(dims) + axis] = pads[i], pads[len(axes) + i]
        pads = full
    mode = node.get("mode", "constant")
    if mode == "wrap" or min(pads) < 0:
        raise Unsupported("wrap mode" if mode == "wrap" else "negative padding")
    filling = node.get("value", 0.0) if value is None else float(value.reshape(-1)[0])
    importer.emit(node, top.PadOp, [importer.value(node.input(0)), importer.none()], paddings=pads, mode=mode, val=float(filling))


@converts("Expand")
def expand(importer: Importer, node: Node) -> None:
    x = importer.value(node.input(0))
    wanted = importer.integers(node, "shape", 1)
    dims = shape_of(x)
    result = np.broadcast_shapes(dims, tuple(wanted))
    _emit_tiled(importer, node, dims, result)


def _emit_tiled(importer: Importer, node: Node, dims: tuple[int, ...], result: tuple[int, ...]) -> None:
    x = importer.value(node.input(0))
    if len(result) > len(dims):
        dims = (1,) * (len(result) - len(dims)) + dims
        if dims == result:
            importer.emit(node, top.ReshapeOp, [x], shape=list(dims))
            return
        x = importer.emit_named(f"{node.result_names[0]}_reshape", top.ReshapeOp, [x], shape=list(dims))
    if dims == result:
        importer.bind(node.outputs[0], x)
        return
    importer.emit(node, top.TileOp, [x], tile=[r // d for r, d in zip(result, dims)])


@converts("Tile")
def tile(importer: Importer, node: Node) -> None:
    repeats = importer.integers(node, "repeats", 1)
    dims = importer.shape(node.input(0))
    _emit_tiled(importer, node, dims, tuple(d * r for d, r in zip(dims, repeats)))


@converts("DepthToSpace")
def depth_to_space(importer: Importer, node: Node) -> None:
    block = node.get("blocksize")
    importer.emit(node, top.Depth2SpaceOp, [importer.value(node.input(0))], block_h=block, block_w=block,
                  is_CRD=node.get("mode", "DCR") == "CRD", is_inversed=False)


@converts("SpaceToDepth")
def space_to_depth(importer: Importer, node: Node) -> None:
    block = node.get("blocksize")
    importer.emit(node, top.Depth2SpaceOp, [importer.value(node.input(0))], block_h=block, block_w=block, is_CRD=node.get("mode", "DCR") == "CRD",
                  is_inversed=True)
