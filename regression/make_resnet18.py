#!/usr/bin/env python3
"""Write a ResNet18 of torchvision's shape with random weights: 224x224, batch 1, 1000 classes, BN folded.

    python regression/make_resnet18.py resnet18.onnx [--seed N]

Input "input" [1, 3, 224, 224], output "output" [1, 1000], opset 13, IR version 8, names as torch's exporter gives
them. Every convolution has He-initialised weights and a small bias (what is left of its batch normalisation), so that
activations keep their size through the net.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STAGES = [(64, 1), (128, 2), (256, 2), (512, 2)]  # channels, stride of the first block
BLOCKS_PER_STAGE = 2
CLASSES = 1000
RESIDUAL_GAIN = 0.5  # on the last convolution of a block; without it the sum doubles its variance in every block


class Builder:
    """Appends nodes; every method returns the name of its output."""

    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, kind: str, inputs: list[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def weight(self, name: str, shape: tuple[int, ...], deviation: float) -> str:
        values = (self.random.standard_normal(shape) * deviation).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def conv(self, x: str, name: str, shape: tuple[int, int], kernel: int, stride: int, gain: float = 1.0) -> str:
        """`shape` is (input channels, output channels)."""
        ic, oc = shape
        deviation = gain * (2.0 / (ic * kernel * kernel)) ** 0.5
        inputs = [
            x,
            self.weight(f"{name}.weight", (oc, ic, kernel, kernel), deviation),
            self.weight(f"{name}.bias", (oc,), 0.1),
        ]
        return self.node(
            "Conv",
            inputs,
            f"/{name}/Conv_output_0",
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[kernel // 2] * 4,
            dilations=[1, 1],
            group=1,
        )

    def relu(self, x: str, name: str) -> str:
        return self.node("Relu", [x], f"/{name}/Relu_output_0")

    def block(self, x: str, name: str, shape: tuple[int, int], stride: int) -> str:
        ic, oc = shape
        y = self.relu(self.conv(x, f"{name}/conv1", shape, 3, stride), f"{name}/relu")
        y = self.conv(y, f"{name}/conv2", (oc, oc), 3, 1, RESIDUAL_GAIN)
        if stride != 1 or ic != oc:
            x = self.conv(x, f"{name}/downsample", shape, 1, stride, RESIDUAL_GAIN)
        return self.relu(self.node("Add", [y, x], f"/{name}/Add_output_0"), f"{name}/relu_1")


def resnet18(seed: int = 18) -> onnx.ModelProto:
    """The model; equal seeds give equal bytes."""
    b = Builder(seed)
    x = b.relu(b.conv("input", "conv1", (3, 64), 7, 2), "relu")
    x = b.node("MaxPool", [x], "/maxpool/MaxPool_output_0", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for stage, (width, first_stride) in enumerate(STAGES, 1):
        for block in range(BLOCKS_PER_STAGE):
            x = b.block(x, f"layer{stage}/layer{stage}.{block}", (channels, width), 1 if block else first_stride)
            channels = width
    x = b.node("GlobalAveragePool", [x], "/avgpool/GlobalAveragePool_output_0")
    x = b.node("Flatten", [x], "/Flatten_output_0", axis=1)
    fc = [x, b.weight("fc.weight", (CLASSES, channels), channels**-0.5), b.weight("fc.bias", (CLASSES,), 0.1)]
    b.node("Gemm", fc, "output", alpha=1.0, beta=1.0, transB=1)
    ends = [
        helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 224, 224]),
        helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, CLASSES]),
    ]
    graph = helper.make_graph(b.nodes, "resnet18", ends[:1], ends[1:], b.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="tpuc-zoo")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=18)
    arguments = parser.parse_args()
    part = arguments.output.with_name(arguments.output.name + ".part")
    onnx.save(resnet18(arguments.seed), str(part))
    part.replace(arguments.output)
