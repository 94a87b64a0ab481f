"""BatchNormalization that no convolution could take in, and the other normalizations."""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue

from tpuc_core.ir import shape_of, top
from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.registry import Unsupported, converts

# the smallest normal float32: what a length of 0 is divided by
SMALLEST = float(np.finfo(np.float32).tiny)


@converts("BatchNormalization")
def batch_normalization(importer: Importer, node: Node) -> None:
    if node.get("training_mode", 0) or any(importer.is_used(name) for name in node.outputs[1:]):
        raise Unsupported("training mode")
    if any(importer.constant(name) is None for name in node.inputs[1:5]):
        _computed_normalization(importer, node)
        return
    x, gamma, beta, mean, variance = (importer.value(name) for name in node.inputs[:5])
    importer.emit(node, top.BatchNormOp, [x, mean, variance, gamma, beta], epsilon=float(node.get("epsilon", 1e-5)))


def _computed_normalization(importer: Importer, node: Node) -> None:
    """(x - mean) * (gamma / sqrt(variance + epsilon)) + beta, where these are tensors of the network."""
    name = node.result_names[0]
    x = importer.value(node.input(0))
    spatial = [1] * (len(shape_of(x)) - 2)

    def per_channel(index: int, what: str) -> SSAValue:
        array = importer.constant(node.input(index))
        if array is not None:
            return importer.weight(f"{name}_{what}", array.reshape(-1, *spatial))
        return importer.emit_named(f"{name}_{what}", top.ReshapeOp, [importer.value(node.input(index))], shape=[-1, *spatial])

    gamma, beta, mean, variance = (per_channel(i + 1, what) for i, what in enumerate(("gamma", "beta", "mean", "variance")))
    safe = importer.emit_named(f"{name}_safe", top.AddConstOp, [variance], const_val=float(node.get("epsilon", 1e-5)))
    deviation = importer.emit_named(f"{name}_deviation", top.SqrtOp, [safe])
    factor = importer.emit_named(f"{name}_factor", top.DivOp, [gamma, deviation])
    centred = importer.emit_named(f"{name}_centred", top.SubOp, [x, mean])
    scaled = importer.emit_named(f"{name}_scaled", top.MulOp, [centred, factor])
    importer.emit(node, top.AddOp, [scaled, beta])


@converts("LayerNormalization")
def layer_normalization(importer: Importer, node: Node) -> None:
    shape = importer.shape(node.input(0))
    axis = int(node.get("axis", -1)) % len(shape)
    weights = [importer.value(name) if name else importer.none() for name in (node.input(1), node.input(2))]
    importer.emit(node, top.LayerNormOp, [importer.value(node.input(0)), *weights], axis=axis, eps=float(node.get("epsilon", 1e-5)),
                  normalized_shape=[])
    if any(importer.is_used(name) for name in node.outputs[1:]):
        _statistics(importer, node, list(range(axis, len(shape))))


def _statistics(importer: Importer, node: Node, axes: list[int]) -> None:
    """The mean over the axes, and 1 / sqrt(variance + epsilon)."""
    name = node.result_names[0]
    outputs = [*node.outputs[1:], "", ""][:2]
    names = [f"{output or f'{name}_{what}'}_{node.op}" for output, what in zip(outputs, ("mean", "deviation"))]
    x = importer.value(node.input(0))
    attributes = {"axes": axes, "keepdims": True, "mode": "ReduceMean"}
    mean = importer.emit_named(names[0], top.ReduceOp, [x], **attributes)
    centred = importer.emit_named(f"{name}_centred", top.SubOp, [x, mean])
    squares = importer.emit_named(f"{name}_squares", top.MulOp, [centred, centred])
    variance = importer.emit_named(f"{name}_variance", top.ReduceOp, [squares], **attributes)
    safe = importer.emit_named(f"{name}_safe", top.AddConstOp, [variance], const_val=float(node.get("epsilon", 1e-5)))
    deviation = importer.emit_named(names[1], top.RsqrtOp, [safe])
    for output, value in zip(outputs, (mean, deviation)):
        if output:
            importer.bind(output, value)


@converts("InstanceNormalization")
def instance_normalization(importer: Importer, node: Node) -> None:
    x, scale, bias = (importer.value(name) for name in node.inputs[:3])
    importer.emit(node, top.InstanceNormOp, [x, scale, bias], eps=float(node.get("epsilon", 1e-5)))


@converts("GroupNormalization")
def group_normalization(importer: Importer, node: Node) -> None:
    x, scale, bias = (importer.value(name) for name in node.inputs[:3])
    channels = importer.shape(node.input(0))[1]
    if importer.shape(node.input(1)) != (channels,):
        raise Unsupported("scales for groups (before opset 21)")
    importer.emit(node, top.GroupNormOp, [x, scale, bias], num_groups=node.get("num_groups"), eps=float(node.get("epsilon", 1e-5)))


@converts("LpNormalization")
def lp_normalization(importer: Importer, node: Node) -> None:
    """x over the sum of |x|, or the root of the sum of x^2, along an axis; 0 where that is 0."""
    name, x = node.result_names[0], importer.value(node.input(0))
    axis = int(node.get("axis", -1)) % len(shape_of(x))
    mode = "ReduceL1" if node.get("p", 2) == 1 else "ReduceL2"
    length = importer.emit_named(f"{name}_length", top.ReduceOp, [x], axes=[axis], keepdims=True, mode=mode)
    safe = importer.emit_named(f"{name}_safe", top.MaxConstOp, [length], const_val=SMALLEST)
    importer.emit(node, top.DivOp, [x, safe])


@converts("LRN")
def local_response_normalization(importer: Importer, node: Node) -> None:
    importer.emit(node, top.LRNOp, [importer.value(node.input(0))], size=node.get("size"), alpha=float(node.get("alpha", 1e-4)),
                  beta=float(node.get("beta", 0.75)), bias=float(node.get("bias", 1.0)))
