"""What every runner offers: an open model that takes and gives tensors by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np  # plugins import this module when the command starts: it stays light

Tensors: TypeAlias = "dict[str, np.ndarray]"


@dataclass(frozen=True)
class TensorInfo:
    """One end of a model. `dtype` is a numpy dtype name ("float32", "int8", ...); real = (stored - zero_point) * scale."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    scale: float = 1.0
    zero_point: int = 0


class Session(Protocol):
    """An open model."""

    @property
    def inputs(self) -> list[TensorInfo]: ...

    @property
    def outputs(self) -> list[TensorInfo]: ...

    def run(self, inputs: Tensors, *, all_tensors: bool = False, dequantize: bool = True) -> Tensors:
        """The outputs, or every tensor in order of computation, by name.

        `inputs` are real values (float32) or stored values of the input's dtype; integers elsewhere raise TpucError.
        `dequantize` turns quantized tensors into real float32 values; without it they keep their stored type.
        """
        ...

    def run_many(self, batches: Iterable[Tensors]) -> Iterator[Tensors]:
        """The outputs for each of the inputs; set-up is paid once."""
        ...
