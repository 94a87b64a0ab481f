"""Which function evaluates which `top` op, and what such a function sees of its op."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import numpy as np

from tpuc_core.plugins import load_extensions

Array = np.ndarray
Operands = Sequence[Array | None]


class HasAttributes(Protocol):
    """An op of the IR as far as evaluation reads it."""

    name: str

    def get(self, name: str) -> Any: ...


@dataclass
class BoundOp:
    """An op made ready for many runs: attributes are read from the IR once; `shapes` are its results' shapes."""

    name: str
    source: HasAttributes
    shapes: list[tuple[int, ...]]
    _attributes: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """The attribute as a python value; `default` where the op has none."""
        if name not in self._attributes:
            self._attributes[name] = self.source.get(name)
        value = self._attributes[name]
        return default if value is None else value

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the first result."""
        return self.shapes[0]


Evaluation = Callable[..., "Array | Sequence[Array]"]
_EVALUATIONS: dict[str, Evaluation] = {}
_FAMILIES = ("activation", "convolution", "detection", "elementwise", "indexing", "matmul", "normalization", "pooling", "recurrent",
             "reduction", "resize", "shape")


def evaluates(*kinds: str) -> Callable[[Evaluation], Evaluation]:
    """Register a function `f(op, *operands) -> array or arrays` for `top` ops, by names without the dialect; ops of other
    dialects by their whole names."""

    def register(function: Evaluation) -> Evaluation:
        for kind in kinds:
            assert kind not in _EVALUATIONS, kind
            _EVALUATIONS[kind] = function
        return function

    return register


@cache
def _load_families() -> None:
    for family in _FAMILIES:
        importlib.import_module(f"tpuc_core.evaluate.{family}")
    load_extensions("evaluate")


def evaluation_of(name: str) -> Evaluation | None:
    """The function for an op name such as "top.Conv"; None where there is none."""
    _load_families()
    return _EVALUATIONS.get(name.removeprefix("top."))


def evaluated_ops() -> list[str]:
    """The names of all `top` ops that can be evaluated."""
    _load_families()
    return sorted(_EVALUATIONS)
