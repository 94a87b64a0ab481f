"""Groups of nodes that are one operator: HardSwish, GELU, LayerNormalization. The fused node keeps the last one's output."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tpuc_onnx.graph import Graph, Node


def fuse_patterns(graph: Graph) -> Graph:
    """The graph with known groups of nodes replaced, in place; inner nodes that others need stay."""
    finder = _Finder(graph)
    for match in (_hard_swish, _gelu, _layer_norm, _affine_layer_norm):
        for index, node in enumerate(graph.nodes):
            fused = match(finder, node)
            if fused is not None:
                graph.nodes[index] = fused
                finder.makers.update(dict.fromkeys(fused.outputs, fused))
    _drop_dead(graph)
    return graph


class _Finder:
    """Looks backwards from a node."""

    def __init__(self, graph: Graph):
        self.makers = graph.producers()
        self.constants = graph.constants

    def maker(self, tensor: str, *ops: str) -> Node | None:
        """The node of one of these kinds that makes a tensor."""
        node = self.makers.get(tensor)
        return node if node is not None and node.op in ops else None

    def scalar(self, tensor: str) -> float | None:
        """A constant of one element."""
        if not tensor or tensor not in self.constants or self.constants[tensor].size != 1:
            return None
        return float(self.constants[tensor].reshape(-1)[0])

    def with_scalar(self, node: Node) -> tuple[str, float] | None:
        """The tensor and the number that a node of two operands combines, in either order."""
        if len(node.inputs) == 2:
            for tensor, other in (node.inputs, node.inputs[::-1]):
                number = self.scalar(other)
                if number is not None:
                    return tensor, number
        return None

    def product(self, tensor: str) -> tuple[float, list[str]]:
        """A tensor as number * factors, through Mul and Div by a number."""
        node = self.maker(tensor, "Mul", "Div")
        if node is None:
            return 1.0, [tensor]
        if node.op == "Div":
            divisor = self.scalar(node.input(1))
            if not divisor:
                return 1.0, [tensor]
            number, factors = self.product(node.input(0))
            return number / divisor, factors
        number, factors = 1.0, []
        for name in node.inputs:
            scalar = self.scalar(name)
            inner = (scalar, []) if scalar is not None else self.product(name)
            number, factors = number * inner[0], factors + inner[1]
        return number, factors

    def clip(self, tensor: str, low: float, high: float) -> str | None:
        """x, where the tensor is x clipped to these bounds."""
        node = self.maker(tensor, "Clip")
        if node is None:
            return None
        bounds = [node.get(name, self.scalar(node.input(i))) for i, name in ((1, "min"), (2, "max"))]
        return node.input(0) if bounds == [low, high] else None

    def axes(self, node: Node) -> list[int] | None:
        if "axes" in node.attributes:
            return list(node.attributes["axes"])
        tensor = node.input(1)
        return [int(a) for a in self.constants[tensor].reshape(-1)] if tensor and tensor in self.constants else None


def _near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-4)


def _fused(op: str, node: Node, inputs: list[str], **attributes: object) -> Node:
    return Node(op, node.name, inputs, node.outputs, attributes)


def _pair(finder: _Finder, node: Node, number: float, other: Callable[[str], str | None]) -> str | None:
    """x, where a node is number * x * f(x); `other` gives x of f(x)."""
    if node.op not in ("Mul", "Div"):
        return None
    found, factors = finder.product(node.outputs[0])
    if len(factors) != 2 or not _near(found, number):
        return None
    return next((x for x, f in (factors, factors[::-1]) if other(f) == x), None)


def _hard_swish(finder: _Finder, node: Node) -> Node | None:
    """x * clip(x + 3, 0, 6) / 6, or x * hard_sigmoid(x)."""

    def shifted(tensor: str) -> str | None:
        inner = finder.clip(tensor, 0.0, 6.0)
        add = finder.maker(inner, "Add") if inner else None
        pair = finder.with_scalar(add) if add else None
        return pair[0] if pair and pair[1] == 3.0 else None

    def hard_sigmoid(tensor: str) -> str | None:
        inner = finder.maker(tensor, "HardSigmoid")
        if inner is None or not _near(inner.get("alpha", 0.2), 1 / 6) or not _near(inner.get("beta", 0.5), 0.5):
            return None
        return inner.input(0)

    x = _pair(finder, node, 1 / 6, shifted) or _pair(finder, node, 1.0, hard_sigmoid)
    return _fused("HardSwish", node, [x]) if x else None


def _gelu(finder: _Finder, node: Node) -> Node | None:
    """x * (1 + erf(x / sqrt(2))) / 2"""

    def one_plus_erf(tensor: str) -> str | None:
        add = finder.maker(tensor, "Add")
        pair = finder.with_scalar(add) if add else None
        erf = finder.maker(pair[0], "Erf") if pair and pair[1] == 1.0 else None
        number, factors = finder.product(erf.input(0)) if erf else (0.0, [])
        return factors[0] if len(factors) == 1 and _near(number, math.sqrt(0.5)) else None

    x = _pair(finder, node, 0.5, one_plus_erf)
    return _fused("GELU", node, [x]) if x else None


def _layer_norm(finder: _Finder, node: Node) -> Node | None:
    """d / sqrt(mean(d * d) + eps), d = x - mean(x), means over the last dimension."""
    if node.op != "Div":
        return None
    difference, root = finder.maker(node.input(0), "Sub"), finder.maker(node.input(1), "Sqrt")
    add = finder.maker(root.input(0), "Add") if root else None
    pair = finder.with_scalar(add) if add else None
    variance = finder.maker(pair[0], "ReduceMean") if pair else None
    if difference is None or variance is None or pair is None:
        return None
    mean = finder.maker(difference.input(1), "ReduceMean")
    square = finder.maker(variance.input(0), "Mul", "Pow")
    is_square = square is not None and square.input(0) == node.input(0) and (
        square.input(1) == node.input(0) if square.op == "Mul" else finder.scalar(square.input(1)) == 2.0)
    if mean is None or not is_square or mean.input(0) != difference.input(0):
        return None
    if finder.axes(mean) != [-1] or finder.axes(variance) != [-1]:
        return None
    return _fused("LayerNormalization", node, [difference.input(0), "", ""], axis=-1, epsilon=pair[1])


def _affine_layer_norm(finder: _Finder, node: Node) -> Node | None:
    """LayerNormalization * scale, then + bias, each a vector."""
    if node.op not in ("Mul", "Add"):
        return None
    for tensor, other in (node.inputs, node.inputs[::-1]):
        norm = finder.maker(tensor, "LayerNormalization")
        is_vector = other in finder.constants and finder.constants[other].ndim == 1 and finder.constants[other].dtype == np.float32
        if norm is None or not is_vector or norm.input(2):
            continue
        if node.op == "Mul" and not norm.input(1):
            return _fused("LayerNormalization", node, [norm.input(0), other, ""], **norm.attributes)
        if node.op == "Add" and norm.input(1):
            return _fused("LayerNormalization", node, [norm.input(0), norm.input(1), other], **norm.attributes)
    return None


def _drop_dead(graph: Graph) -> None:
    needed = set(graph.outputs)
    kept = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            kept.append(node)
            needed.update(node.inputs)
    graph.nodes[:] = reversed(kept)
