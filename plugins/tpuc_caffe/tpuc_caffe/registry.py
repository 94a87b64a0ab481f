"""Which function imports which type of layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tpuc_core.importing import Converters, Unsupported

if TYPE_CHECKING:
    from tpuc_caffe.importer import Importer
    from tpuc_caffe.net import Layer

__all__ = ["CONVERTERS", "Unsupported", "converts"]

MODULES = ("activation", "arithmetic", "convolution", "detection", "layout", "normalization", "pooling", "reduction", "sampling")
CONVERTERS: Converters[Callable[[Importer, Layer], None]] = Converters("tpuc_caffe.layers", MODULES, noun="type")
converts = CONVERTERS.register
