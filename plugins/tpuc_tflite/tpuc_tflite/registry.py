"""Which function imports which TFLite operator, by its name in the schema, or a custom code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tpuc_core.importing import Converters, Unsupported

if TYPE_CHECKING:
    from tpuc_tflite.graph import Node
    from tpuc_tflite.importer import Importer

__all__ = ["CONVERTERS", "Unsupported", "converts"]

MODULES = ("activation", "arithmetic", "convolution", "matmul", "movement", "pooling", "quantization", "reduction", "resize", "slicing")
CONVERTERS: Converters[Callable[[Importer, Node], None]] = Converters("tpuc_tflite.ops", MODULES)
converts = CONVERTERS.register
