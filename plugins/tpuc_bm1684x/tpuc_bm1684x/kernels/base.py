"""What a kernel is, and the register of kernels by op name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from xdsl.ir import Operation, SSAValue

from tpuc_bm1684x.kernels.constants import Block, Constant
from tpuc_bm1684x.kernels.engine import Engine, GlobalView, Operand, Rows, Shape4
from tpuc_core.errors import TpucError
from tpuc_core.ir import Model, TensorOp, is_none, is_weight, quantization_of, shape_of, storage_of, tensor_name

Arrays = dict[str, np.ndarray]


def _zero_point(value: SSAValue) -> int:
    quantization = quantization_of(value)
    return 0 if quantization is None else quantization.zero_point


Key = tuple[str, Shape4]
"""A tensor as an operand: its name, and the four axes under which it is read."""


def shape4(shape: Sequence[int]) -> Shape4:
    """The four axes [n, c, h, w] under which the chip sees a tensor: the first axes keep their place, the rest is one."""
    shape = tuple(shape)
    if len(shape) > 4:
        return (*shape[:3], int(np.prod(shape[3:])))
    return (*shape, *(1,) * (4 - len(shape)))  # type: ignore[return-value]


def global_view(value: SSAValue) -> GlobalView:
    """A whole tensor in global memory, under the chip's four axes."""
    return GlobalView.whole(tensor_name(value), storage_of(value), shape4(shape_of(value)))


def source_of(value: SSAValue) -> SSAValue:
    """The value in global memory that a value of a group was loaded from; other values are their own source."""
    while isinstance(value.owner, Operation) and value.owner.name == "tpu.Load":
        value = value.owner.operands[0]
    return value


def is_constant(value: SSAValue) -> bool:
    """Whether a value is a weight, loaded or not."""
    return is_weight(source_of(value))


@dataclass(frozen=True)
class Slice:
    """What a local kernel computes: rows of the output, from rows of each input: those at hand, or (in `emit`) just the needed ones."""

    rows: Rows
    inputs: tuple[Rows, ...]


class Kernel:
    """The computation of one op. `activations` are the operands that change from run to run, or that are constants too
    large or too oddly shaped for the op's own block and are read like activations."""

    def __init__(self, op: TensorOp):
        self.op = op
        self.out = op.results[0]
        self.activations = [source_of(v) for v in op.operands if not is_none(v) and not is_constant(v)]
        self.prepare()

    def prepare(self) -> None:
        """Read the attributes."""

    @cached_property
    def name(self) -> str:
        return tensor_name(self.out)

    @cached_property
    def out_shape(self) -> Shape4:
        return shape4(shape_of(self.out))

    @cached_property
    def out_storage(self) -> str:
        return storage_of(self.out)

    @cached_property
    def in_keys(self) -> list[Key]:
        """Name and four axes of each activation, as this op reads it."""
        return [(tensor_name(value), self.axes_of(value)) for value in self.activations]

    def axes_of(self, value: SSAValue) -> Shape4:
        """The four axes under which the op reads an activation."""
        return shape4(shape_of(value))

    def in_shape(self, index: int = 0) -> Shape4:
        return self.in_keys[index][1]

    @cached_property
    def in_storages(self) -> list[str]:
        return [storage_of(value) for value in self.activations]

    def in_storage(self, index: int = 0) -> str:
        return self.in_storages[index]

    def in_zero_point(self, index: int = 0) -> int:
        """The stored integer of an activation that stands for 0; 0 for what is not quantized."""
        return _zero_point(self.activations[index])

    @cached_property
    def out_zero_point(self) -> int:
        return _zero_point(self.out)


class LocalKernel(Kernel):
    """Computes rows of its output from rows of its inputs, all in local memory: can be sliced, and grouped with others."""

    def constants(self) -> list[Constant]:
        """The constants of the op's block, channels of the whole op."""
        return []

    def constant_arrays(self, model: Model) -> Arrays:
        """Their values, from the weights and attributes of a lowered model."""
        return {}

    def chunks(self) -> list[tuple[int, int]]:
        """Ranges of output channels that are computed one after the other because the constants of all would not fit."""
        return [(0, self.out_shape[1])]

    @cached_property
    def blocks(self) -> list[tuple[tuple[int, int], Block]]:
        """The chunks of output channels, and the block of constants of each."""
        constants = self.constants()
        return [(chunk, Block.of([self._sliced(c, chunk) for c in constants], chunk[1] - chunk[0])) for chunk in self.chunks()]

    def _sliced(self, constant: Constant, chunk: tuple[int, int]) -> Constant:
        if constant.form.name == "EVERY_LANE":
            return constant
        return Constant(constant.name, constant.form, (chunk[1] - chunk[0], *constant.shape[1:]), constant.storage)

    def chunk_arrays(self, arrays: Arrays, chunk: tuple[int, int]) -> Arrays:
        """The values that belong to one chunk."""
        every = {c.name for c in self.constants() if c.form.name == "EVERY_LANE"}
        return {k: v if k in every else v[chunk[0] : chunk[1]] for k, v in arrays.items()}

    def input_rows(self, index: int, rows: Rows) -> Rows:
        """The rows of an input that rows of the output need; an input of one row is broadcast."""
        return rows if self.in_shape(index)[2] == self.out_shape[2] else Rows(0, self.in_shape(index)[2])

    def can_slice_rows(self) -> bool:
        """Whether output rows can be computed apart."""
        return True

    def is_spread(self, index: int) -> bool:
        """Whether every lane reads the one channel of an input: it must lie in all of them."""
        return False

    def needed(self, part: Slice) -> tuple[Rows, ...]:
        """The rows of each input that a part is computed from, of those at hand."""
        return tuple(self.input_rows(index, part.rows) for index in range(len(part.inputs)))

    def compute(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        """Emit from inputs that may have more rows at hand than this op needs: other ops of the group may need them."""
        needed = self.needed(part)
        fitting = [x if rows == given else engine.rows(x, rows.within(given)) for x, rows, given in zip(inputs, needed, part.inputs)]
        self.emit(engine, out, fitting, constants, Slice(part.rows, needed))

    def emit(self, engine: Engine, out: Operand, inputs: Sequence[Operand], constants: Mapping[str, Operand], part: Slice) -> None:
        """Compute `out` (channels of one chunk) from just the rows of the inputs that it needs."""
        raise NotImplementedError(type(self).__name__)


class GlobalKernel(Kernel):
    """Reads and writes global memory by itself."""

    def constants(self) -> list[Constant]:
        """Constants that the kernel loads as one block, see LocalKernel."""
        return []

    def constant_arrays(self, model: Model) -> Arrays:
        return {}

    def emit(self, engine: Engine, out: GlobalView, inputs: Sequence[GlobalView], constants: Mapping[str, Operand]) -> None:
        """Compute the whole output."""
        raise NotImplementedError(type(self).__name__)


class AliasKernel(Kernel):
    """The output is the input's memory under another shape: nothing to do."""


class HostKernel(Kernel):
    """The op is computed beside the chip: see `tpuc_bm1684x.host_ops`."""


KERNELS: dict[str, Callable[[TensorOp], Kernel]] = {}


def register(name: str) -> Callable[[Any], Any]:
    """Decorator of the class that is the kernel of the op of that name, or of a function that chooses one for an op."""

    def add(kernel: Any) -> Any:
        KERNELS[name] = kernel
        return kernel

    return add


def kernel_for(op: TensorOp) -> Kernel:
    """The kernel of a tpu op. Raises TpucError for an op that has none."""
    if op.name not in KERNELS:
        raise TpucError(f'"{op.name}" ("{tensor_name(op.results[0])}") has no kernel on bm1684x; lower the model with a mode that does not use it')
    return KERNELS[op.name](op)
