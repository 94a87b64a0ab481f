"""Functions of one value each."""

from __future__ import annotations

from math import log

import numpy as np
from xdsl.ir import SSAValue

from tpuc_caffe.importer import Importer
from tpuc_caffe.net import Layer
from tpuc_caffe.registry import Unsupported, converts
from tpuc_core.ir import top

PLAIN = {"AbsVal": top.AbsOp, "BNLL": top.SoftplusOp, "Mish": top.MishOp, "Sigmoid": top.SigmoidOp, "TanH": top.TanhOp}


@converts(*PLAIN)
def plain(importer: Importer, layer: Layer) -> None:
    importer.emit(layer, PLAIN[layer.type], [importer.input(layer)])


@converts("ReLU")
def relu(importer: Importer, layer: Layer) -> None:
    slope = layer.parameters.relu_param.negative_slope
    if slope:
        importer.emit(layer, top.LeakyReluOp, [importer.input(layer)], alpha=slope)
    else:
        importer.emit(layer, top.ReluOp, [importer.input(layer)])


@converts("ReLU6")
def relu6(importer: Importer, layer: Layer) -> None:
    if layer.parameters.relu6_param.negative_slope or layer.parameters.relu_param.negative_slope:
        raise Unsupported("a negative slope")
    importer.emit(layer, top.ReluOp, [importer.input(layer)], relu_limit=6.0)


@converts("PReLU")
def prelu(importer: Importer, layer: Layer) -> None:
    shape = importer.shape(layer)
    if layer.parameters.prelu_param.channel_shared:
        importer.emit(layer, top.LeakyReluOp, [importer.input(layer)], alpha=float(importer.blob(layer, 0, [1])[0]))
        return
    slope = importer.blob_weight(layer, 0, [1, shape[1], *[1] * (len(shape) - 2)])
    importer.emit(layer, top.PReluOp, [importer.input(layer), slope])


@converts("ELU")
def elu(importer: Importer, layer: Layer) -> None:
    importer.emit(layer, top.EluOp, [importer.input(layer)], alpha=layer.parameters.elu_param.alpha)


@converts("Swish")
def swish(importer: Importer, layer: Layer) -> None:
    importer.emit(layer, top.SwishOp, [importer.input(layer)], beta=layer.parameters.swish_param.beta)


@converts("Clip")
def clip(importer: Importer, layer: Layer) -> None:
    parameters = layer.parameters.clip_param
    importer.emit(layer, top.ClipOp, [importer.input(layer)], min=parameters.min, max=parameters.max)


@converts("Threshold")
def threshold(importer: Importer, layer: Layer) -> None:
    importer.emit(layer, top.CompareConstOp, [importer.input(layer)], mode="Greater", inversed=False,
                  const_val=layer.parameters.threshold_param.threshold)


@converts("Power")
def power(importer: Importer, layer: Layer) -> None:
    """y = (shift + scale * x) ** power"""
    p = layer.parameters.power_param
    emit_chain(importer, layer, importer.input(layer), [*_line(p.scale, p.shift), *_power(p.power)])


@converts("Exp")
def exponential(importer: Importer, layer: Layer) -> None:
    """y = base ** (shift + scale * x); a base of -1 stands for e."""
    p = layer.parameters.exp_param
    factor = _log_of_base(p.base)
    emit_chain(importer, layer, importer.input(layer), [*_line(p.scale * factor, p.shift * factor), (top.ExpOp, {})])


@converts("Log")
def logarithm(importer: Importer, layer: Layer) -> None:
    """y = the logarithm of shift + scale * x; a base of -1 stands for e."""
    p = layer.parameters.log_param
    emit_chain(importer, layer, importer.input(layer),
               [*_line(p.scale, p.shift), (top.LogOp, {}), *_line(1 / _log_of_base(p.base), 0.0)])


Steps = list[tuple[type, dict[str, float]]]


def emit_chain(importer: Importer, layer: Layer, x: SSAValue, steps: Steps) -> None:
    """Ops of one operand one behind the other, the last one with the name of the layer's result; none at all: x itself."""
    if not steps:
        importer.bind(layer, x)
        return
    for op_class, attributes in steps[:-1]:
        x = importer.emit_step(layer, op_class.name.removeprefix("top.").lower(), op_class, [x], **attributes)
    op_class, attributes = steps[-1]
    importer.emit(layer, op_class, [x], **attributes)


def _line(scale: float, shift: float) -> Steps:
    steps: Steps = []
    if scale != 1:
        steps.append((top.MulConstOp, {"const_val": float(np.float32(scale))}))
    if shift:
        steps.append((top.AddConstOp, {"const_val": float(np.float32(shift))}))
    return steps


def _power(exponent: float) -> Steps:
    return [] if exponent == 1 else [(top.PowOp, {"exponent": exponent})]


def _log_of_base(base: float) -> float:
    if base != -1 and (base <= 0 or base == 1):
        raise Unsupported(f"a base of {base:g}")
    return 1.0 if base == -1 else log(base)
