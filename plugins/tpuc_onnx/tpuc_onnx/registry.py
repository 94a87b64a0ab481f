"""Which function imports which ONNX operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tpuc_core.importing import Converters, Unsupported

if TYPE_CHECKING:
    from tpuc_onnx.graph import Node
    from tpuc_onnx.importer import Importer

__all__ = ["CONVERTERS", "Unsupported", "converts"]

MODULES = ("activation", "arithmetic", "convolution", "einsum", "indexing", "layout", "logic", "matmul", "normalization", "pooling",
           "recurrent", "reduction", "resize")
CONVERTERS: Converters[Callable[[Importer, Node], None]] = Converters("tpuc_onnx.ops", MODULES, extensions="onnx")
converts = CONVERTERS.register
