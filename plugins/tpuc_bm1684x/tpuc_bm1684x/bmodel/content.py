"""What a .bmodel file says, as plain data: the reader makes it, the writer takes it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from tpuc_bm1684x.bmodel.section import Section

CHIP = "BM1684X"
GLOBAL_MEMORY = 0x1_0000_0000

DATA_TYPES = dict(enumerate(("f32", "f16", "i8", "u8", "i16", "u16", "i32", "u32", "bf16", "i4", "u4")))
NUMPY_TYPES = {
    "f32": "float32", "f16": "float16", "bf16": "uint16", "i8": "int8", "u8": "uint8", "i16": "int16", "u16": "uint16",
    "i32": "int32", "u32": "uint32", "i4": "int8", "u4": "uint8",
}  # fmt: skip
SUBNET_KINDS = {0: "tpu", 1: "cpu", 2: "merge", 3: "switch"}


@dataclass(frozen=True)
class Tensor:
    """An end of a net or subnet. `address` is the global address that the commands use.

    `scale` is as the file has it: inputs real-to-stored (stored = round(real * scale + zero_point)), outputs
    stored-to-real (real = (stored - zero_point) * scale).
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    address: int
    scale: float = 1.0
    zero_point: int = 0

    @property
    def numpy_dtype(self) -> np.dtype:
        """The dtype of its elements in arrays; bf16 are uint16 bit patterns."""
        return np.dtype(NUMPY_TYPES[self.dtype])

    @property
    def size_bytes(self) -> int:
        return math.prod(self.shape) * self.numpy_dtype.itemsize


@dataclass(frozen=True)
class CommandGroup:
    """Two command streams that run side by side; counts include the end commands, streams are padded to 128 bytes."""

    tiu: bytes
    gdma: bytes
    tiu_count: int
    gdma_count: int


@dataclass
class SubNet:
    """A part of a net between two visits of the host. `kind`: "tpu", "cpu", "merge" or "switch"; a dynamic one has no
    commands in the file."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    groups: list[CommandGroup]
    kind: str = "tpu"
    is_dynamic: bool = False
    next_ids: list[int] = field(default_factory=lambda: [-1])


@dataclass(frozen=True)
class WeightLocation:
    """Where an op's weights lie within the coefficients."""

    name: str
    offset: int
    size_bytes: int


@dataclass
class Stage:
    """A net for one set of input shapes. Addresses are global; sizes are in bytes."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    subnets: list[SubNet]
    ctx_address: int
    ctx_size: int
    coefficients: bytes = b""
    coefficient_address: int = GLOBAL_MEMORY
    io_address: int = 0
    io_size: int = 0
    weights: list[WeightLocation] = field(default_factory=list)
    section: Section | None = None

    @property
    def groups(self) -> list[CommandGroup]:
        """The groups of all subnets, in order of execution."""
        return [group for subnet in self.subnets for group in subnet.groups]


@dataclass
class Net:
    """A network; `address_mode` 0: inputs and outputs lie in the neuron space, 1: in a space of their own."""

    name: str
    stages: list[Stage]
    address_mode: int = 0


@dataclass
class Bmodel:
    """A whole file."""

    nets: list[Net]
    chip: str = CHIP
    version: str = ""
    time: str = ""

    @property
    def section(self) -> Section | None:
        """The first section of this project's own, or None where another tool wrote the file."""
        return next((stage.section for stage in self.stages() if stage.section), None)

    def stages(self) -> Iterator[Stage]:
        for net in self.nets:
            yield from net.stages
