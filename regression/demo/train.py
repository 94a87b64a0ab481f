"""Train the demo's classifier of handwritten digits, and write it as ONNX with the images that it is measured on.

    python regression/demo/train.py [DIRECTORY]      needs numpy, scikit-learn, onnx and OpenCV; about a minute

Writes digits.onnx (a small residual CNN, input [1, 1, 16, 16]) and digits.zip: images of the 597 digits that training never saw
(test/LABEL/*.png) and of 60 that it saw (calibration/*.png). The same files come out of every run on one version of the libraries.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

SIZE, CLASSES, TRAINING, CALIBRATION = 16, 10, 1200, 60
MEAN, SCALE = 32.0, 1 / 64
EPOCHS, BATCH, RATE = 40, 50, 2e-3
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def images() -> tuple[np.ndarray, np.ndarray]:
    """uint8 [1797, 8, 8] and labels, in a fixed random order."""
    digits = load_digits()
    order = np.random.default_rng(7).permutation(len(digits.target))
    return (digits.images * 15.9375).astype(np.uint8)[order], digits.target[order]


def preprocessed(pictures: np.ndarray) -> np.ndarray:
    """float32 [n, 1, 16, 16]: enlarged, mean subtracted, scaled, as the model's preprocessing says."""
    large = np.stack([cv2.resize(p, (SIZE, SIZE)) for p in pictures])
    return ((large.astype(np.float32) - MEAN) * SCALE)[:, None]


class Conv:
    """3x3 or 1x1 convolution, padded to keep its size; `per_channel` for a depthwise one."""

    def __init__(self, rng: np.random.Generator, channels_in: int, channels_out: int, size: int, *, per_channel: bool = False):
        fan_in = size * size * (1 if per_channel else channels_in)
        shape = (channels_out, 1 if per_channel else channels_in, size, size)
        self.weight = (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)
        self.bias = np.zeros(channels_out, np.float32)
        self.size, self.per_channel = size, per_channel

    def _windows(self, x: np.ndarray) -> np.ndarray:
        edge = self.size // 2
        padded = np.pad(x, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
        return np.lib.stride_tricks.sliding_window_view(padded, (self.size, self.size), (2, 3))

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.windows = self._windows(x)
        formula = "nchwij,cij->nchw" if self.per_channel else "nchwij,ocij->nohw"
        weight = self.weight[:, 0] if self.per_channel else self.weight
        return np.einsum(formula, self.windows, weight, optimize=True) + self.bias[:, None, None]

    def backward(self, slope: np.ndarray) -> np.ndarray:
        self.bias_slope = slope.sum((0, 2, 3))
        turned = self._windows(slope)
        if self.per_channel:
            self.weight_slope = np.einsum("nchwij,nchw->cij", self.windows, slope, optimize=True)[:, None]
            return np.einsum("nchwij,cij->nchw", turned, self.weight[:, 0, ::-1, ::-1], optimize=True)
        self.weight_slope = np.einsum("nchwij,nohw->ocij", self.windows, slope, optimize=True)
        return np.einsum("nohwij,ocij->nchw", turned, self.weight[:, :, ::-1, ::-1], optimize=True)


class Linear:
    """x [n, inner] times [inner, outer], plus a bias."""

    def __init__(self, rng: np.random.Generator, inner: int, outer: int):
        self.weight = (rng.standard_normal((inner, outer)) * np.sqrt(1 / inner)).astype(np.float32)
        self.bias = np.zeros(outer, np.float32)

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return x @ self.weight + self.bias

    def backward(self, slope: np.ndarray) -> np.ndarray:
        self.weight_slope, self.bias_slope = self.x.T @ slope, slope.sum(0)
        return slope @ self.weight.T


class Network:
    """conv, pool, depthwise conv, 1x1 conv, residual 3x3 conv, global average, linear; relu in between."""

    def __init__(self, rng: np.random.Generator):
        self.first = Conv(rng, 1, 16, 3)
        self.depthwise = Conv(rng, 16, 16, 3, per_channel=True)
        self.pointwise = Conv(rng, 16, 32, 1)
        self.residual = Conv(rng, 32, 32, 3)
        self.linear = Linear(rng, 32, CLASSES)
        self.layers = [self.first, self.depthwise, self.pointwise, self.residual, self.linear]

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.a = np.maximum(self.first.forward(x), 0)
        n, c, h, w = self.a.shape
        blocks = self.a.reshape(n, c, h // 2, 2, w // 2, 2)
        self.pooled = blocks.max((3, 5))
        self.is_max = blocks == self.pooled[:, :, :, None, :, None]
        self.b = np.maximum(self.depthwise.forward(self.pooled), 0)
        self.c = np.maximum(self.pointwise.forward(self.b), 0)
        self.d = np.maximum(self.residual.forward(self.c) + self.c, 0)
        return self.linear.forward(self.d.mean((2, 3)))

    def backward(self, slope: np.ndarray) -> None:
        plane = self.d.shape[2] * self.d.shape[3]
        sum_slope = self.linear.backward(slope)[:, :, None, None] / plane * (self.d > 0)
        c_slope = (self.residual.backward(sum_slope) + sum_slope) * (self.c > 0)
        b_slope = self.pointwise.backward(c_slope) * (self.b > 0)
        pool_slope = self.depthwise.backward(b_slope)[:, :, :, None, :, None] * self.is_max / self.is_max.sum((3, 5), keepdims=True)
        self.first.backward(pool_slope.reshape(self.a.shape) * (self.a > 0))


def train(network: Network, x: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> None:
    """Adam on the cross entropy, images shifted by up to one pixel."""
    moments = [(np.zeros_like(p), np.zeros_like(p)) for layer in network.layers for p in (layer.weight, layer.bias)]
    step = 0
    for epoch in range(EPOCHS):
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH):
            batch = order[start : start + BATCH]
            shifted = np.roll(x[batch], rng.integers(-1, 2, 2), (2, 3))
            scores = network.forward(shifted)
            chances = np.exp(scores - scores.max(1, keepdims=True))
            chances /= chances.sum(1, keepdims=True)
            network.backward((chances - np.eye(CLASSES, dtype=np.float32)[labels[batch]]) / len(batch))
            step += 1
            rate = RATE * (1 + np.cos(np.pi * epoch / EPOCHS)) / 2
            slopes = [s for layer in network.layers for s in (layer.weight_slope, layer.bias_slope)]
            parameters = [p for layer in network.layers for p in (layer.weight, layer.bias)]
            for parameter, slope, (first, second) in zip(parameters, slopes, moments):
                first += 0.1 * (slope - first)
                second += 0.001 * (slope * slope - second)
                parameter -= (rate * first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)).astype(np.float32)


def to_onnx(network: Network) -> onnx.ModelProto:
    """The network as ONNX, opset 13."""
    initializers, nodes = [], []

    def conv(name: str, layer: Conv, x: str) -> str:
        initializers.extend(numpy_helper.from_array(a, f"{name}.{k}") for k, a in (("weight", layer.weight), ("bias", layer.bias)))
        edge = layer.size // 2
        nodes.append(helper.make_node("Conv", [x, f"{name}.weight", f"{name}.bias"], [name], name=name, kernel_shape=[layer.size] * 2,
                                      pads=[edge] * 4, group=16 if layer.per_channel else 1))
        return name

    def unary(kind: str, x: str, name: str, **attributes) -> str:
        nodes.append(helper.make_node(kind, [x], [name], name=name, **attributes))
        return name

    x = unary("Relu", conv("first", network.first, "input"), "first_relu")
    x = unary("MaxPool", x, "pool", kernel_shape=[2, 2], strides=[2, 2])
    x = unary("Relu", conv("depthwise", network.depthwise, x), "depthwise_relu")
    c = unary("Relu", conv("pointwise", network.pointwise, x), "pointwise_relu")
    nodes.append(helper.make_node("Add", [conv("residual", network.residual, c), c], ["sum"], name="sum"))
    x = unary("GlobalAveragePool", unary("Relu", "sum", "sum_relu"), "average")
    x = unary("Flatten", x, "flat")
    initializers.extend([numpy_helper.from_array(network.linear.weight, "linear.weight"), numpy_helper.from_array(network.linear.bias, "linear.bias")])
    nodes.append(helper.make_node("Gemm", [x, "linear.weight", "linear.bias"], ["output"], name="linear"))
    graph = helper.make_graph(nodes, "digits", [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 1, SIZE, SIZE])],
                              [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, CLASSES])], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="train.py")


def write_images(path: Path, pictures: np.ndarray, labels: np.ndarray) -> None:
    """The images as PNG in a zip with fixed dates."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for index, (picture, label) in enumerate(zip(pictures, labels)):
            if index < CALIBRATION:
                name = f"calibration/{index:04}.png"
            elif index >= TRAINING:
                name = f"test/{label}/{index:04}.png"
            else:
                continue
            archive.writestr(zipfile.ZipInfo(name, ZIP_DATE), cv2.imencode(".png", picture)[1].tobytes())


def main() -> None:
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    pictures, labels = images()
    x = preprocessed(pictures)
    rng = np.random.default_rng(1)
    network = Network(rng)
    train(network, x[:TRAINING], labels[:TRAINING], rng)
    right = (network.forward(x[TRAINING:]).argmax(1) == labels[TRAINING:]).mean()
    onnx.save(to_onnx(network), directory / "digits.onnx")
    write_images(directory / "digits.zip", pictures, labels)
    print(f"top-1 on the {len(x) - TRAINING} images that training never saw: {100 * right:.1f} %")


if __name__ == "__main__":
    main()
