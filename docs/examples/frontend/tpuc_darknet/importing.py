"""A Darknet network as `top` ops. Tensors have the names of OpenCV's layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from tpuc_core.errors import TpucError, did_you_mean
from tpuc_core.hookspecs import FrontendOptions
from tpuc_core.importing import ModelBuilder
from tpuc_core.ir import Model, TensorOp, shape_of, tensor_type, top
from tpuc_core.passes import run_passes
from tpuc_core.passes.canonicalize import Canonicalize
from tpuc_darknet.files import Numbers, Section, read_sections

EPSILON = 1e-6
ACTIVATIONS: dict[str, tuple[type[TensorOp], dict[str, Any]]] = {
    "leaky": (top.LeakyReluOp, {"alpha": 0.1}), "relu": (top.ReluOp, {}), "logistic": (top.SigmoidOp, {}),
    "mish": (top.MishOp, {}), "swish": (top.SiLUOp, {}),
}


def load(graph: Path, weights: Path, options: FrontendOptions) -> Model:
    """The files as a model in state TOP_F32. Raises TpucError."""
    head, *layers = read_sections(graph)
    importer = Importer(head, Numbers(weights), options)
    for index, section in enumerate(layers):
        importer.add(index, section)
    importer.model.set_outputs([importer.layers[-1]])
    run_passes(importer.model, [Canonicalize()])
    return importer.model


class Importer(ModelBuilder):
    """Adds layer after layer; `layers` are their results."""

    def __init__(self, head: Section, numbers: Numbers, options: FrontendOptions):
        shape = (1, head.number("channels", 3), head.number("height"), head.number("width"))
        super().__init__(options.model_name, "DARKNET", [tensor_type(shape)])
        self.numbers = numbers
        pictures = options.preprocessing.attributes() if options.preprocessing else {}
        self.data = self.emit_named("data", top.InputOp, self.model.main.args, **pictures)
        self.layers: list[SSAValue] = []

    def add(self, index: int, section: Section) -> None:
        convert = LAYERS.get(section.kind)
        if convert is None:
            raise TpucError(f"layer {index} is a [{section.kind}], which is not imported; {did_you_mean(section.kind, LAYERS)}")
        self.layers.append(convert(self, index, section))

    @property
    def last(self) -> SSAValue:
        return self.layers[-1] if self.layers else self.data

    def layer(self, index: int, reference: int) -> SSAValue:
        """The layer that a number means: counted from the start, or back from this one."""
        return self.layers[reference if reference >= 0 else index + reference]

    def activated(self, index: int, section: Section, x: SSAValue) -> SSAValue:
        kind = section.values.get("activation", "linear")
        if kind == "linear":
            return x
        if kind not in ACTIVATIONS:
            raise TpucError(f"layer {index}: activation={kind} is not imported; {did_you_mean(kind, ACTIVATIONS)}")
        op_class, attributes = ACTIVATIONS[kind]
        return self.emit_named(f"{kind}_{index + 1}", op_class, [x], **attributes)


def convolution(importer: Importer, index: int, section: Section) -> SSAValue:
    """The file has biases, then scales, means and variances of the batch normalization, then the filter."""
    filters, size, group = section.number("filters", 1), section.number("size", 1), section.number("groups", 1)
    is_normalized = section.number("batch_normalize") == 1
    channels = shape_of(importer.last)[1]
    bias = importer.numbers.take(filters)
    scale, mean, variance = (importer.numbers.take(filters) for _ in range(3)) if is_normalized else (None, None, None)
    kernel = importer.numbers.take(filters, channels // group, size, size)
    pad = size // 2 if section.number("pad") else section.number("padding")
    operands = [importer.last, importer.add_weight(f"conv_{index}_filter", kernel)]
    operands.append(importer.add_weight(f"conv_{index}_bias", np.zeros_like(bias) if is_normalized else bias))
    stride = section.number("stride", 1)
    x = importer.emit_named(f"conv_{index}", top.ConvOp, operands, kernel_shape=[size] * 2, strides=[stride] * 2,
                            pads=[pad] * 4, dilations=[1, 1], group=group)
    if is_normalized:
        parts = {"mean": mean, "variance": variance, "gamma": scale, "beta": bias}
        weights = [importer.add_weight(f"bn_{index}_{name}", array) for name, array in parts.items() if array is not None]
        x = importer.emit_named(f"bn_{index}", top.BatchNormOp, [x, *weights], epsilon=EPSILON)
    return importer.activated(index, section, x)


def max_pool(importer: Importer, index: int, section: Section) -> SSAValue:
    size, stride = section.number("size", 2), section.number("stride", 2)
    padding = section.number("padding", size - 1)
    before, after = padding // 2, padding - padding // 2
    return importer.emit_named(f"pool_{index}", top.MaxPoolOp, [importer.last], kernel_shape=[size] * 2, strides=[stride] * 2,
                               pads=[before, before, after, after])


def average_pool(importer: Importer, index: int, section: Section) -> SSAValue:
    return importer.emit_named(f"avgpool_{index}", top.AvgPoolOp, [importer.last], kernel_shape=[], strides=[], pads=[])


def route(importer: Importer, index: int, section: Section) -> SSAValue:
    sources = [importer.layer(index, reference) for reference in section.numbers("layers")]
    return sources[0] if len(sources) == 1 else importer.emit_named(f"concat_{index}", top.ConcatOp, sources, axis=1)


def shortcut(importer: Importer, index: int, section: Section) -> SSAValue:
    other = importer.layer(index, section.number("from"))
    return importer.activated(index, section, importer.emit_named(f"shortcut_{index}", top.AddOp, [importer.last, other]))


def upsample(importer: Importer, index: int, section: Section) -> SSAValue:
    scale = section.number("stride", 2)
    return importer.emit_named(f"upsample_{index}", top.UpsampleOp, [importer.last], scale_h=scale, scale_w=scale)


def softmax(importer: Importer, index: int, section: Section) -> SSAValue:
    return importer.emit_named(f"softmax_{index}", top.SoftmaxOp, [importer.last], axis=1)


LAYERS: dict[str, Callable[[Importer, int, Section], SSAValue]] = {
    "convolutional": convolution, "maxpool": max_pool, "avgpool": average_pool, "route": route, "shortcut": shortcut,
    "upsample": upsample, "softmax": softmax,
}
