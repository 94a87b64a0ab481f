"""Maps of another size, and channels made space."""

from __future__ import annotations

from typing import Any

from tpuc_caffe.importer import Importer
from tpuc_caffe.net import Layer
from tpuc_caffe.registry import Unsupported, converts
from tpuc_core.ir import top


@converts("Interp")
def interp(importer: Importer, layer: Layer) -> None:
    """Linear, corners on corners."""
    p, shape = layer.parameters.interp_param, importer.shape(layer)
    if len(shape) != 4:
        raise Unsupported(f"an input of {len(shape)} dimensions")
    x = importer.input(layer)
    pads = [0, 0, p.pad_beg, p.pad_beg, 0, 0, p.pad_end, p.pad_end]
    if min(pads) < 0:  # negative ones cut the edge off
        begins = [max(-pad, 0) for pad in pads[:4]]
        ends = [size - max(-pad, 0) for size, pad in zip(shape, pads[4:])]
        none = importer.none()
        x = importer.emit_step(layer, "cut", top.SliceOp, [x, none, none, none], offset=begins, ends=ends, steps=[1] * 4, axes=[])
        pads = [max(pad, 0) for pad in pads]
    if any(pads):
        x = importer.emit_step(layer, "pad", top.PadOp, [x, importer.none()], paddings=pads, mode="constant", val=0.0)
    before = [size + p.pad_beg + p.pad_end for size in shape[2:]]
    after = _interp_size(p, before)
    importer.emit(layer, top.InterpOp, [x, importer.none()], mode="linear", coord_mode="align_corners",
                  scale_h=after[0] / before[0], scale_w=after[1] / before[1])


def _interp_size(p: Any, sizes: list[int]) -> list[int]:
    """shrink_factor and zoom_factor, or height and width."""
    if p.HasField("shrink_factor") or p.HasField("zoom_factor"):
        sizes = [(size - 1) // p.shrink_factor + 1 for size in sizes]
        return [size + (size - 1) * (p.zoom_factor - 1) for size in sizes]
    if p.height <= 0 or p.width <= 0:
        raise Unsupported("neither factors nor height and width")
    return [p.height, p.width]


@converts("Upsample")
def upsample(importer: Importer, layer: Layer) -> None:
    """Every pixel becomes scale x scale pixels."""
    p, shape = layer.parameters.upsample_param, importer.shape(layer)
    if len(layer.inputs) > 1:
        raise Unsupported("a mask")
    scales = [getattr(p, f"scale_{side}") or p.scale for side in "hw"]
    wanted = [p.upsample_h or shape[2] * scales[0], p.upsample_w or shape[3] * scales[1]]
    if wanted != [shape[2] * scales[0], shape[3] * scales[1]]:
        raise Unsupported(f"a result of {wanted[0]} x {wanted[1]}")
    importer.emit(layer, top.UpsampleOp, [importer.input(layer)], scale_h=scales[0], scale_w=scales[1])


@converts("Reorg")
def reorg(importer: Importer, layer: Layer) -> None:
    """Blocks of stride x stride pixels become channels."""
    p = layer.parameters.reorg_param
    if p.reverse:
        raise Unsupported("reverse")
    importer.emit(layer, top.Depth2SpaceOp, [importer.input(layer)], block_h=p.stride, block_w=p.stride, is_CRD=False, is_inversed=True)
