#!/usr/bin/env python3
"""Write a tiny vision transformer and a tiny BERT with random weights, their nodes as exporters write them.

    python regression/make_transformers.py FOLDER        writes tiny_vit.onnx, tiny_bert.onnx

tiny_vit: pictures [1, 3, 32, 32] in patches of 8 x 8, a class token, positions; output [1, 10]. tiny_bert: input_ids,
attention_mask, token_type_ids [1, 12] int64; outputs last_hidden_state [1, 12, 32] and pooler_output [1, 32]. Both: two
blocks of attention with four heads and a feed-forward part with GELU, opset 17.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH, HEADS, HIDDEN, BLOCKS = 32, 4, 64, 2
CLASSES, PICTURE, PATCH = 10, 32, 8
VOCABULARY, TOKENS, SEGMENTS = 50, 12, 2
MASKED = -10000.0  # added to the scores of words that do not count


class Net:
    """Appends nodes; every method returns the name of its output."""

    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, values: object, dtype: type = np.float32) -> str:
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weight(self, name: str, shape: tuple[int, ...], deviation: float) -> str:
        return self.constant(name, self.random.standard_normal(shape) * deviation)

    def linear(self, x: str, name: str, inputs: int, outputs: int) -> str:
        """A product with a matrix [inputs, outputs], and a bias."""
        product = self.node("MatMul", [x, self.weight(f"{name}.weight", (inputs, outputs), inputs**-0.5)], f"{name}/MatMul")
        return self.node("Add", [self.weight(f"{name}.bias", (outputs,), 0.1), product], f"{name}/Add")

    def layer_norm(self, x: str, name: str) -> str:
        scale = self.constant(f"{name}.weight", 1 + 0.1 * self.random.standard_normal(WIDTH))
        return self.node("LayerNormalization", [x, scale, self.weight(f"{name}.bias", (WIDTH,), 0.1)], f"{name}/LayerNorm",
                         axis=-1, epsilon=1e-6)

    def gelu(self, x: str, name: str) -> str:
        """x * (1 + erf(x / sqrt(2))) / 2, in the five nodes of opsets before 20."""
        scaled = self.node("Div", [x, self.constant(f"{name}.root", math.sqrt(2))], f"{name}/Div")
        erf = self.node("Erf", [scaled], f"{name}/Erf")
        shifted = self.node("Add", [erf, self.constant(f"{name}.one", 1)], f"{name}/Add")
        product = self.node("Mul", [x, shifted], f"{name}/Mul")
        return self.node("Mul", [product, self.constant(f"{name}.half", 0.5)], f"{name}/Mul_1")

    def heads(self, x: str, name: str, tokens: int, order: Sequence[int]) -> str:
        """[1, tokens, width] as [1, heads, ...], its dimensions in the given order."""
        shape = self.constant(f"{name}.shape", [1, tokens, HEADS, WIDTH // HEADS], np.int64)
        return self.node("Transpose", [self.node("Reshape", [x, shape], f"{name}/Reshape")], f"{name}/Transpose", perm=order)

    def attention(self, x: str, name: str, tokens: int, mask: str | None = None) -> str:
        """softmax(q k^T / sqrt(d) + mask) v, of four heads, projected."""
        q, k, v = (self.linear(x, f"{name}.{part}", WIDTH, WIDTH) for part in ("query", "key", "value"))
        q, v = (self.heads(y, f"{name}.{part}", tokens, [0, 2, 1, 3]) for y, part in ((q, "query"), (v, "value")))
        k = self.heads(k, f"{name}.key", tokens, [0, 2, 3, 1])
        scores = self.node("MatMul", [q, k], f"{name}/MatMul")
        scores = self.node("Div", [scores, self.constant(f"{name}.root", math.sqrt(WIDTH // HEADS))], f"{name}/Div")
        if mask is not None:
            scores = self.node("Add", [scores, mask], f"{name}/Add")
        mixed = self.node("MatMul", [self.node("Softmax", [scores], f"{name}/Softmax", axis=-1), v], f"{name}/MatMul_1")
        mixed = self.node("Transpose", [mixed], f"{name}/Transpose_3", perm=[0, 2, 1, 3])
        shape = self.constant(f"{name}.shape", [1, tokens, WIDTH], np.int64)
        return self.linear(self.node("Reshape", [mixed, shape], f"{name}/Reshape_3"), f"{name}.output", WIDTH, WIDTH)

    def feed_forward(self, x: str, name: str) -> str:
        wide = self.gelu(self.linear(x, f"{name}.up", WIDTH, HIDDEN), f"{name}.gelu")
        return self.linear(wide, f"{name}.down", HIDDEN, WIDTH)

    def model(self, inputs: dict[str, tuple[int, ...]], outputs: dict[str, tuple[int, ...]], dtype: int) -> onnx.ModelProto:
        values = [helper.make_tensor_value_info(name, dtype, shape) for name, shape in inputs.items()]
        results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
        graph = helper.make_graph(self.nodes, "transformer", values, results, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def tiny_vit(seed: int = 0) -> onnx.ModelProto:
    """Norms before the parts of a block, as in ViT."""
    net, tokens = Net(seed), (PICTURE // PATCH) ** 2 + 1
    kernel = net.weight("patch.weight", (WIDTH, 3, PATCH, PATCH), (3 * PATCH * PATCH) ** -0.5)
    x = net.node("Conv", ["pixels", kernel, net.weight("patch.bias", (WIDTH,), 0.1)], "patch/Conv",
                 kernel_shape=[PATCH, PATCH], strides=[PATCH, PATCH])
    x = net.node("Reshape", [x, net.constant("patch.shape", [1, WIDTH, tokens - 1], np.int64)], "patch/Reshape")
    x = net.node("Transpose", [x], "patch/Transpose", perm=[0, 2, 1])
    x = net.node("Concat", [net.weight("class_token", (1, 1, WIDTH), 1.0), x], "Concat", axis=1)
    x = net.node("Add", [x, net.weight("positions", (1, tokens, WIDTH), 0.1)], "Add")
    for index in range(BLOCKS):
        name = f"block{index}"
        inner = net.attention(net.layer_norm(x, f"{name}.norm0"), f"{name}.attention", tokens)
        x = net.node("Add", [inner, x], f"{name}/Add")
        x = net.node("Add", [net.feed_forward(net.layer_norm(x, f"{name}.norm1"), f"{name}.mlp"), x], f"{name}/Add_1")
    first = net.node("Gather", [net.layer_norm(x, "norm"), net.constant("first", 0, np.int64)], "Gather", axis=1)
    head = net.weight("head.weight", (CLASSES, WIDTH), WIDTH**-0.5)
    net.node("Gemm", [first, head, net.weight("head.bias", (CLASSES,), 0.1)], "logits", transB=1)
    return net.model({"pixels": (1, 3, PICTURE, PICTURE)}, {"logits": (1, CLASSES)}, TensorProto.FLOAT)


def tiny_bert(seed: int = 0) -> onnx.ModelProto:
    """Norms behind the parts of a block, as in BERT; words, positions and segments are looked up."""
    net = Net(seed)
    words = net.node("Gather", [net.weight("words", (VOCABULARY, WIDTH), 1.0), "input_ids"], "words/Gather")
    kinds = net.node("Gather", [net.weight("segments", (SEGMENTS, WIDTH), 0.1), "token_type_ids"], "segments/Gather")
    x = net.node("Add", [net.node("Add", [words, kinds], "embeddings/Add"), net.weight("positions", (1, TOKENS, WIDTH), 0.1)],
                 "embeddings/Add_1")
    x = net.layer_norm(x, "embeddings.norm")
    wide = net.node("Unsqueeze", ["attention_mask", net.constant("mask.axes", [1, 2], np.int64)], "mask/Unsqueeze")
    counts = net.node("Cast", [wide], "mask/Cast", to=TensorProto.FLOAT)
    absent = net.node("Sub", [net.constant("mask.one", 1), counts], "mask/Sub")
    mask = net.node("Mul", [absent, net.constant("mask.low", MASKED)], "mask/Mul")
    for index in range(BLOCKS):
        name = f"layer{index}"
        inner = net.node("Add", [net.attention(x, f"{name}.attention", TOKENS, mask), x], f"{name}/Add")
        x = net.layer_norm(inner, f"{name}.norm0")
        x = net.node("Add", [net.feed_forward(x, f"{name}.mlp"), x], f"{name}/Add_1")
        x = net.layer_norm(x, f"{name}.norm1") if index < BLOCKS - 1 else net.layer_norm(x, "last")
    net.node("Identity", [x], "last_hidden_state")
    first = net.node("Gather", [x, net.constant("first", 0, np.int64)], "pooler/Gather", axis=1)
    net.node("Tanh", [net.linear(first, "pooler", WIDTH, WIDTH)], "pooler_output")
    inputs = dict.fromkeys(("input_ids", "attention_mask", "token_type_ids"), (1, TOKENS))
    return net.model(inputs, {"last_hidden_state": (1, TOKENS, WIDTH), "pooler_output": (1, WIDTH)}, TensorProto.INT64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    onnx.save(tiny_vit(), folder / "tiny_vit.onnx")
    onnx.save(tiny_bert(), folder / "tiny_bert.onnx")


if __name__ == "__main__":
    main()
