"""Which function imports which ONNX operator."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tpuc_onnx.graph import Node
    from tpuc_onnx.importer import Importer

Convert = Callable[["Importer", "Node"], None]
_CONVERTERS: dict[str, Convert] = {}


class Unsupported(Exception):
    """A node that cannot be imported; the reason as a noun phrase ("dilations in MaxPool")."""


def converts(*ops: str) -> Callable[[Convert], Convert]:
    """Registers a function that imports nodes of these ONNX operators."""

    def register(function: Convert) -> Convert:
        _CONVERTERS.update(dict.fromkeys(ops, function))
        return function

    return register


@cache
def converters() -> dict[str, Convert]:
    """All of them, by ONNX operator."""
    import tpuc_onnx.ops.activation
    import tpuc_onnx.ops.arithmetic
    import tpuc_onnx.ops.convolution
    import tpuc_onnx.ops.einsum
    import tpuc_onnx.ops.indexing
    import tpuc_onnx.ops.layout
    import tpuc_onnx.ops.logic
    import tpuc_onnx.ops.matmul
    import tpuc_onnx.ops.normalization
    import tpuc_onnx.ops.pooling
    import tpuc_onnx.ops.recurrent
    import tpuc_onnx.ops.reduction
    import tpuc_onnx.ops.resize  # noqa: F401
    from tpuc_core.plugins import load_extensions

    load_extensions("onnx")
    return _CONVERTERS
