"""Resize, Upsample: nearest and linear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tpuc_core.ir import shape_of, top
from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.registry import Unsupported, converts


@converts("Resize", "Upsample")
def resize(importer: Importer, node: Node) -> None:
    """Whole repeats are `top.Upsample`, linear by the formula of `top.Interp` is that; the rest is gathers and matrix products."""
    x = importer.value(node.input(0))
    shape = shape_of(x)
    if len(shape) != 4:
        raise Unsupported(f"{len(shape)} dimensions")
    sizes, scales = _target(importer, node, shape)
    if sizes[:2] != list(shape[:2]):
        raise Unsupported("another batch or channel count")
    mode, coordinates = node.get("mode", "nearest"), _coordinates(node)
    if sizes == list(shape):
        importer.bind(node.outputs[0], x)
    elif mode == "nearest":
        _nearest(importer, node, sizes, scales, coordinates)
    elif mode == "linear" and _is_interp(shape, sizes, scales, coordinates):
        importer.emit(node, top.InterpOp, [x, importer.none()], mode="linear", coord_mode=coordinates, scale_h=scales[2], scale_w=scales[3])
    elif mode in ("linear", "cubic"):
        _by_matrices(importer, node, sizes, scales, coordinates)
    else:
        raise Unsupported(f"{mode} mode")


def _coordinates(node: Node) -> str:
    """Upsample and Resize of opset 10 are asymmetric."""
    default = "asymmetric" if node.op == "Upsample" or len(node.inputs) == 2 else "half_pixel"
    mode = node.get("coordinate_transformation_mode", default)
    if mode == "tf_crop_and_resize" or node.get("antialias", 0):
        raise Unsupported("antialias" if node.get("antialias", 0) else f"{mode} coordinates")
    return mode


def _target(importer: Importer, node: Node, shape: Sequence[int]) -> tuple[list[int], list[float]]:
    """Output sizes and scales of all dimensions."""
    if "scales" in node.attributes:
        scales = [float(s) for s in node.attributes["scales"]]
    else:
        index = 2 if len(node.inputs) > 2 else 1
        array = importer.optional_parameter(node, index, "scales")
        scales = [] if array is None else [float(s) for s in array]
    axes = [a % len(shape) for a in node.get("axes") or range(len(shape))]
    wanted = importer.optional_parameter(node, 3, "sizes") if node.op == "Resize" else None
    if wanted is not None and wanted.size:
        return _target_of_sizes(node, shape, axes, [int(v) for v in wanted])
    full = [1.0] * len(shape)
    for axis, scale in zip(axes, scales):
        full[axis] = scale
    return [int(np.floor(d * s)) for d, s in zip(shape, full)], full


def _target_of_sizes(node: Node, shape: Sequence[int], axes: Sequence[int], wanted: Sequence[int]) -> tuple[list[int], list[float]]:
    sizes, scales = list(shape), [1.0] * len(shape)
    for axis, size in zip(axes, wanted):
        sizes[axis], scales[axis] = size, size / shape[axis]
    policy = node.get("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        ratios = [scales[a] for a in axes]
        scale = min(ratios) if policy == "not_larger" else max(ratios)
        for axis in axes:
            sizes[axis], scales[axis] = int(np.floor(scale * shape[axis] + 0.5)), scale
    return sizes, scales


def _nearest(importer: Importer, node: Node, sizes: list[int], scales: list[float], coordinates: str) -> None:
    x = importer.value(node.input(0))
    shape = shape_of(x)
    maps = [_nearest_map(shape[i], sizes[i], scales[i], coordinates, node.get("nearest_mode", _nearest_default(node))) for i in (2, 3)]
    factors = [sizes[i] // shape[i] for i in (2, 3)]
    if all(np.array_equal(m, np.arange(shape[i]).repeat(f)) for m, f, i in zip(maps, factors, (2, 3))):
        importer.emit(node, top.UpsampleOp, [x], scale_h=factors[0], scale_w=factors[1])
        return
    name = node.result_names[0]
    rows = importer.emit_named(f"{name}_rows", top.GatherOp, [x, importer.weight(f"{name}_row_indices", maps[0])], axis=2)
    importer.emit(node, top.GatherOp, [rows, importer.weight(f"{name}_column_indices", maps[1])], axis=3)


def _nearest_default(node: Node) -> str:
    return "floor" if node.op == "Upsample" or len(node.inputs) == 2 else "round_prefer_floor"


def _positions(size: int, outputs: int, scale: float, coordinates: str) -> np.ndarray:
    """Where each output lies among the inputs, as ONNX's coordinate transformations say."""
    i = np.arange(outputs, dtype=np.float64)
    if coordinates == "align_corners":
        return i * (size - 1) / (size * scale - 1) if outputs > 1 else i * 0
    if coordinates == "asymmetric":
        return i / scale
    if coordinates == "pytorch_half_pixel" and outputs == 1:
        return i * 0
    if coordinates == "half_pixel_symmetric":
        adjustment = outputs / (size * scale)
        return size / 2 * (1 - adjustment) + (i + 0.5) / scale - 0.5
    return (i + 0.5) / scale - 0.5


def _nearest_map(size: int, outputs: int, scale: float, coordinates: str, rounding: str) -> np.ndarray:
    positions = _positions(size, outputs, scale, coordinates)
    rounded = {
        "floor": np.floor, "ceil": np.ceil,
        "round_prefer_floor": lambda p: np.ceil(p - 0.5),
        "round_prefer_ceil": lambda p: np.floor(p + 0.5),
    }[rounding](positions)
    return np.clip(rounded, 0, size - 1).astype(np.int64)


def _is_interp(shape: Sequence[int], sizes: Sequence[int], scales: Sequence[float], coordinates: str) -> bool:
    """Whether ONNX's linear rule is that of `top.Interp`: sizes in the ratio of the scales, align_corners or half_pixel."""
    is_exact = all(abs(scales[i] - sizes[i] / shape[i]) < 1e-6 for i in (2, 3))
    is_half_pixel = coordinates == "half_pixel" or (coordinates == "pytorch_half_pixel" and min(sizes[2:]) > 1)
    return is_exact and (is_half_pixel or coordinates == "align_corners")


def _by_matrices(importer: Importer, node: Node, sizes: list[int], scales: list[float], coordinates: str) -> None:
    """Any separable rule: the product with a matrix [inputs, outputs] for each direction."""
    x = importer.value(node.input(0))
    shape = shape_of(x)
    name = node.result_names[0]
    rows, columns = (
        importer.weight(f"{name}_{label}", _matrix(node, _positions(shape[i], sizes[i], scales[i], coordinates), shape[i]).T)
        for i, label in ((2, "rows"), (3, "columns")))
    wide = importer.emit_named(f"{name}_wide", top.MatMulOp, [x, columns, importer.none()])
    turned = importer.emit_named(f"{name}_turned", top.PermuteOp, [wide], order=[0, 1, 3, 2])
    tall = importer.emit_named(f"{name}_tall", top.MatMulOp, [turned, rows, importer.none()])
    importer.emit(node, top.PermuteOp, [tall], order=[0, 1, 3, 2])


def _matrix(node: Node, positions: np.ndarray, size: int) -> np.ndarray:
    """[outputs, size]: each output as a weighted mean of its neighbours, those beyond the edge counted as the edge or left out."""
    is_cubic = node.get("mode") == "cubic"
    taps = np.arange(-1, 3) if is_cubic else np.arange(0, 2)
    base = np.floor(positions)
    distance = np.abs(positions[:, None] - base[:, None] - taps)
    weights = _cubic(distance, float(node.get("cubic_coeff_a", -0.75))) if is_cubic else 1 - distance
    indices = base[:, None].astype(np.int64) + taps
    if node.get("exclude_outside", 0):
        weights = np.where((indices >= 0) & (indices < size), weights, 0)
        weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((len(positions), size))
    np.add.at(matrix, (np.arange(len(positions))[:, None], np.clip(indices, 0, size - 1)), weights)
    return matrix.astype(np.float32)


def _cubic(d: np.ndarray, a: float) -> np.ndarray:
    """Keys' cubic convolution kernel at distances d in [0, 2]."""
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, far)
