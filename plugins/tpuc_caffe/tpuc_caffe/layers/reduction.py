"""Reduction, ArgMax."""

from __future__ import annotations

from math import prod

from tpuc_caffe.importer import Importer
from tpuc_caffe.net import Layer
from tpuc_caffe.registry import Unsupported, converts
from tpuc_core.ir import shape_of, top

SUM, ASUM, SUMSQ, MEAN = range(1, 5)


@converts("Reduction")
def reduction(importer: Importer, layer: Layer) -> None:
    """Over the dimensions from axis on, which vanish; times coeff."""
    p, shape = layer.parameters.reduction_param, importer.shape(layer)
    axes = list(range(p.axis % len(shape), len(shape)))
    x, mode = importer.input(layer), {SUM: "ReduceSum", ASUM: "ReduceL1", SUMSQ: "ReduceSum", MEAN: "ReduceMean"}[p.operation]
    if p.operation == SUMSQ:
        x = importer.emit_step(layer, "square", top.MulOp, [x, x])
    if p.coeff == 1:
        importer.emit(layer, top.ReduceOp, [x], axes=axes, keepdims=False, mode=mode)
    else:
        y = importer.emit_step(layer, "reduced", top.ReduceOp, [x], axes=axes, keepdims=False, mode=mode)
        importer.emit(layer, top.MulConstOp, [y], const_val=p.coeff)


@converts("ArgMax")
def arg_max(importer: Importer, layer: Layer) -> None:
    """Along axis: the place, or the value where out_max_val. Without axis: over all of a picture, [n, 1, 1], or place and
    value one below the other, [n, 2, 1]."""
    p, shape = layer.parameters.argmax_param, importer.shape(layer)
    if p.top_k != 1:
        raise Unsupported(f"the {p.top_k} greatest values")
    x, name = importer.input(layer), layer.outputs[0]
    if p.HasField("axis"):
        names = [f"{name}_indices", name] if p.out_max_val else [name, f"{name}_values"]
        results = importer.emit_results(names, top.ArgOp, [x], axis=p.axis % len(shape), keepdims=True, mode="ArgMax")
        importer.bind(layer, results[int(p.out_max_val)])
        return
    flat = importer.emit_step(layer, "flat", top.ReshapeOp, [x], shape=[shape[0], 1, prod(shape[1:])])
    results = importer.emit_results([f"{name}_indices", f"{name}_values"], top.ArgOp, [flat], axis=2, keepdims=True,
                                    mode="ArgMax")
    if p.out_max_val:
        importer.emit(layer, top.ConcatOp, results, axis=1)
    else:
        importer.emit(layer, top.ReshapeOp, results[:1], shape=list(shape_of(results[0])))
