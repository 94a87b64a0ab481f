"""Which function imports which type of layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tpuc_caffe.importer import Importer
    from tpuc_caffe.net import Layer

Convert = Callable[["Importer", "Layer"], None]
_CONVERTERS: dict[str, Convert] = {}


class Unsupported(Exception):
    """A layer that cannot be imported; the reason as a noun phrase ("a mask")."""


def converts(*types: str) -> Callable[[Convert], Convert]:
    """Registers a function that imports layers of these types."""

    def register(function: Convert) -> Convert:
        _CONVERTERS.update(dict.fromkeys(types, function))
        return function

    return register


@cache
def converters() -> dict[str, Convert]:
    """All of them, by type."""
    import tpuc_caffe.layers.activation
    import tpuc_caffe.layers.arithmetic
    import tpuc_caffe.layers.convolution
    import tpuc_caffe.layers.detection
    import tpuc_caffe.layers.layout
    import tpuc_caffe.layers.normalization
    import tpuc_caffe.layers.pooling
    import tpuc_caffe.layers.reduction
    import tpuc_caffe.layers.sampling  # noqa: F401

    return _CONVERTERS
