"""Which function imports which TFLite operator."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tpuc_tflite.graph import Node
    from tpuc_tflite.importer import Importer

Convert = Callable[["Importer", "Node"], None]
_CONVERTERS: dict[str, Convert] = {}
_FAMILIES = (
    "activation",
    "arithmetic",
    "convolution",
    "matmul",
    "movement",
    "pooling",
    "quantization",
    "reduction",
    "resize",
    "slicing",
)


class Unsupported(Exception):
    """A node that cannot be imported; the reason as a noun phrase ("a stride that is computed")."""


def converts(*ops: str) -> Callable[[Convert], Convert]:
    """Registers a function that imports nodes of these operators, by their names in the schema, or custom codes."""

    def register(function: Convert) -> Convert:
        _CONVERTERS.update(dict.fromkeys(ops, function))
        return function

    return register


@cache
def converters() -> dict[str, Convert]:
    """All of them, by operator."""
    for family in _FAMILIES:
        import_module(f"tpuc_tflite.ops.{family}")
    return _CONVERTERS
