"""BatchNorm, LRN, Normalize, Softmax."""

from __future__ import annotations

import numpy as np

from tpuc_caffe.importer import Importer
from tpuc_caffe.net import Layer
from tpuc_caffe.registry import Unsupported, converts
from tpuc_core.ir import top

WITHIN_CHANNEL = 1
# what top.Normalize adds to a sum of squares
NORMALIZE_EPSILON = 1e-10


@converts("BatchNorm")
def batch_norm(importer: Importer, layer: Layer) -> None:
    """The third weight of the file counts how often mean and variance were added up; 0 makes both 0."""
    parameters, shape = layer.parameters.batch_norm_param, importer.shape(layer)
    if parameters.HasField("use_global_stats") and not parameters.use_global_stats:
        raise Unsupported("statistics of the batch (use_global_stats is false)")
    channels = shape[1] if len(shape) > 1 else 1
    count = float(importer.blob(layer, 2, [1])[0])
    factor = 0.0 if count == 0 else 1 / count
    statistics = [importer.add_weight(f"{layer.name}_{word}", importer.blob(layer, i, [channels]) * np.float32(factor))
                  for i, word in enumerate(("mean", "var"))]
    importer.emit(layer, top.BatchNormOp, [importer.input(layer), *statistics, importer.none(), importer.none()], epsilon=parameters.eps)


@converts("LRN")
def local_response(importer: Importer, layer: Layer) -> None:
    p = layer.parameters.lrn_param
    if p.norm_region != WITHIN_CHANNEL:
        importer.emit(layer, top.LRNOp, [importer.input(layer)], size=p.local_size, alpha=p.alpha, beta=p.beta, bias=p.k)
        return
    if p.local_size % 2 == 0:
        raise Unsupported(f"a region of {p.local_size} cells, which has no middle")
    x, side = importer.input(layer), p.local_size // 2
    square = importer.emit_step(layer, "square", top.MulOp, [x, x])
    mean = importer.emit_step(layer, "mean", top.AvgPoolOp, [square], kernel_shape=[p.local_size] * 2, strides=[1, 1],
                              pads=[side] * 4, count_include_pad=True)
    scaled = importer.emit_step(layer, "scaled", top.MulConstOp, [mean], const_val=p.alpha)
    shifted = importer.emit_step(layer, "shifted", top.AddConstOp, [scaled], const_val=1.0)
    power = importer.emit_step(layer, "power", top.PowOp, [shifted], exponent=-p.beta)
    importer.emit(layer, top.MulOp, [x, power])


@converts("Normalize")
def normalize(importer: Importer, layer: Layer) -> None:
    parameters, shape = layer.parameters.norm_param, importer.shape(layer)
    if parameters.eps > 10 * NORMALIZE_EPSILON:
        raise Unsupported(f"an eps of {parameters.eps:g}")
    channels = shape[1]
    scale = np.broadcast_to(importer.blob(layer, 0, [1, 1 if parameters.channel_shared else channels]), (1, channels))
    importer.emit(layer, top.NormalizeOp, [importer.input(layer), importer.add_weight(f"{layer.name}_scale", scale)],
                  across_spatial=parameters.across_spatial, channel_shared=parameters.channel_shared)


@converts("Softmax")
def softmax(importer: Importer, layer: Layer) -> None:
    axis = layer.parameters.softmax_param.axis % len(importer.shape(layer))
    importer.emit(layer, top.SoftmaxOp, [importer.input(layer)], axis=axis)
