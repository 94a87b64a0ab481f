"""A TFLite graph as plain Python: tensors with arrays, nodes with their options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Scales:
    """real = (stored - zero_point) * scale; one of each, or one a slice along `axis`."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def is_per_axis(self) -> bool:
        return len(self.scales) > 1


@dataclass
class Tensor:
    """One tensor: `dtype` is a numpy dtype name, `data` its array where it is a constant. Names are unique."""

    index: int
    name: str
    shape: Shape
    dtype: str
    data: np.ndarray | None = None
    quantization: Scales | None = None
    sparsity: Any = None
    is_variable: bool = False

    @property
    def is_quantized(self) -> bool:
        """Whether its elements are 8-bit integers that stand for real numbers."""
        return self.quantization is not None and self.dtype in ("int8", "uint8")


@dataclass
class Node:
    """One operator. Inputs and outputs are indices of tensors; an absent input is -1."""

    op: str
    inputs: list[int]
    outputs: list[int]
    options: Any = None
    custom_options: bytes = b""
    position: int = 0

    def input(self, position: int) -> int:
        """The tensor at a place among the inputs, -1 where it is absent."""
        return self.inputs[position] if position < len(self.inputs) else -1

    def option(self, name: str, default: Any = None) -> Any:
        """A builtin option, by its name in the schema ("StrideH"); `default` where the file has no options."""
        return default if self.options is None else getattr(self.options, name)()


@dataclass
class Graph:
    """The first subgraph of a file."""

    tensors: list[Tensor]
    nodes: list[Node]
    inputs: list[int]
    outputs: list[int]
    data: bytes = b""
    resized: dict[int, Shape] = field(default_factory=dict)

    @property
    def is_quantized(self) -> bool:
        """Whether it computes with integers: some tensor that is no constant is quantized."""
        return any(tensor.is_quantized and tensor.data is None for tensor in self.tensors)

    def readers(self) -> dict[int, list[Node]]:
        """The nodes that read a tensor."""
        found: dict[int, list[Node]] = {}
        for node in self.nodes:
            for index in node.inputs:
                found.setdefault(index, []).append(node)
        return found
