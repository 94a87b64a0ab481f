"""RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR."""

from __future__ import annotations

import numpy as np

from tpuc_core.ir import shape_of, top
from tpuc_tflite.elements import element_of
from tpuc_tflite.graph import Node
from tpuc_tflite.importer import Importer
from tpuc_tflite.registry import converts


@converts("RESIZE_BILINEAR")
def resize_bilinear(importer: Importer, node: Node) -> None:
    x = importer.planar(node.input(0))
    sizes = [int(n) for n in importer.parameter(node, 1, "size")]
    scales = [wanted / n for wanted, n in zip(sizes, shape_of(x)[2:])]
    if scales == [1.0, 1.0]:
        importer.bind(node.outputs[0], x, importer.home(node.input(0)))
        return
    importer.emit(
        node,
        top.InterpOp,
        [x, importer.none()],
        layout=True,
        mode="linear",
        coord_mode=_coordinates(node),
        scale_h=scales[0],
        scale_w=scales[1],
    )


def _coordinates(node: Node) -> str:
    if node.option("AlignCorners", False):
        return "align_corners"
    return "half_pixel" if node.option("HalfPixelCenters", False) else "asymmetric"


@converts("RESIZE_NEAREST_NEIGHBOR")
def resize_nearest_neighbor(importer: Importer, node: Node) -> None:
    """Whole repeats are an Upsample, the rest two gathers."""
    x = importer.planar(node.input(0))
    sizes = [int(n) for n in importer.parameter(node, 1, "size")]
    maps = [nearest_cells(n, wanted, _coordinates(node)) for n, wanted in zip(shape_of(x)[2:], sizes)]
    factors = [wanted // n for n, wanted in zip(shape_of(x)[2:], sizes)]
    if all(np.array_equal(m, np.arange(n).repeat(f)) for m, n, f in zip(maps, shape_of(x)[2:], factors)):
        importer.emit(node, top.UpsampleOp, [x], layout=True, scale_h=factors[0], scale_w=factors[1])
        return
    tensor = importer.tensor(node.outputs[0])
    rows, columns = (
        importer.made_weight(f"{tensor.name}_{word}", m) for word, m in zip(("row_indices", "column_indices"), maps)
    )
    tall = importer.emit_named(
        importer.new_name(f"{tensor.name}_rows"), top.GatherOp, [x, rows], element_of(tensor), axis=2
    )
    importer.emit(node, top.GatherOp, [tall, columns], layout=True, axis=3)


def nearest_cells(size: int, wanted: int, coordinates: str) -> np.ndarray:
    """The input cell for each of `wanted` result cells, in float32 as the engine computes it."""
    is_aligned = coordinates == "align_corners" and wanted > 1
    scale = np.float32(size - 1) / np.float32(wanted - 1) if is_aligned else np.float32(size) / np.float32(wanted)
    where = (np.arange(wanted, dtype=np.float32) + np.float32(0.5 if coordinates == "half_pixel" else 0)) * scale
    cells = np.floor(where + np.float32(0.5)) if coordinates == "align_corners" else np.floor(where)
    return np.minimum(cells, size - 1).astype(np.int64)
