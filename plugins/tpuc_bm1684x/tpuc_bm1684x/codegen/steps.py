"""The steps of a model, and how a group's slices follow from each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from xdsl.ir import SSAValue

from tpuc_bm1684x.host_ops import is_host_function
from tpuc_bm1684x.kernels import AliasKernel, GlobalKernel, LocalKernel, kernel_for
from tpuc_bm1684x.kernels.base import Kernel, Key
from tpuc_bm1684x.kernels.engine import Rows, Shape4
from tpuc_core.ir import Model, TensorOp, tensor_name

BOUNDARIES = {"top.None", "top.Weight", "top.Input", "func.return", "func.call", "tpu.Yield", "tpu.Load", "tpu.Store"}

@dataclass
class GroupStep:
    """Local kernels whose tensors stay in local memory, but for `outputs`; cut in slices of images and rows."""

    kernels: list[LocalKernel]
    outputs: list[str]
    nsecs: int = 1
    hsecs: int = 1

    @cached_property
    def made(self) -> dict[str, Shape4]:
        """The tensors that are made in the group, with their four axes."""
        return {kernel.name: kernel.out_shape for kernel in self.kernels}

    def keys(self, kernel: LocalKernel) -> list[Key]:
        """The keys of a kernel's operands: tensors of the group are kept under their own four axes."""
        return [(name, self.made.get(name, shape)) for name, shape in kernel.in_keys]

    @cached_property
    def spread(self) -> set[Key]:
        """The operands of one channel that some op reads in every lane."""
        return {key for kernel in self.kernels for index, key in enumerate(self.keys(kernel)) if kernel.is_spread(index)}

    def rows(self, section: int) -> dict[Key, Rows]:
        """The rows of every tensor in a section: what its output rows need, and of the tensors that are made here also
        those before the next section's that nothing needs. So every tensor comes to be as a whole."""
        following = self._rows(section + 1, {}) if section + 1 < self.hsecs else {}
        until = {k.name: following[k.name, k.out_shape].start if following else k.out_shape[2] for k in self.kernels}
        return self._rows(section, until)

    def _rows(self, section: int, until: dict[str, int]) -> dict[Key, Rows]:
        """The rows that a section needs, and more of the tensors that are made up to a row that is given by name."""
        needed: dict[str, Rows] = {}
        loaded: dict[Key, Rows] = {}
        for kernel in reversed(self.kernels):
            rows = needed.get(kernel.name)
            if kernel.name in self.outputs:
                own = cut(kernel.out_shape[2], self.hsecs, section)
                rows = own if rows is None else rows.union(own)
            assert rows is not None, kernel.name
            rows = Rows(rows.start if section else 0, max(rows.stop, until.get(kernel.name, 0)))
            loaded[kernel.name, kernel.out_shape] = rows
            for index in range(len(kernel.activations)):
                key = kernel.in_keys[index]
                of = kernel.input_rows(index, rows)
                if key[0] in self.made:
                    needed[key[0]] = needed[key[0]].union(of) if key[0] in needed else of
                else:
                    loaded[key] = loaded[key].union(of) if key in loaded else of
        return loaded


@dataclass
class GlobalStep:
    """One kernel that reads and writes global memory by itself."""

    kernel: GlobalKernel


@dataclass
class AliasStep:
    """A tensor that is another one's memory."""

    kernel: AliasKernel


Step = GroupStep | GlobalStep | AliasStep


def cut(size: int, sections: int, index: int) -> Rows:
    """The index-th of `sections` nearly equal parts of 0..size-1."""
    return Rows(size * index // sections, size * (index + 1) // sections)


def steps_of(model: Model) -> Iterator[Step]:
    """The steps of a model whose local ops are in groups."""
    for function in model.functions:
        for op in [] if is_host_function(function) else function.body.block.ops:
            if op.name == "tpu.Group":
                yield group_step(op)
            elif op.name not in BOUNDARIES:
                yield single_step(kernel_for(op))  # type: ignore[arg-type]


def single_step(kernel: Kernel) -> Step:
    """The step of an op that is in no group."""
    if isinstance(kernel, LocalKernel):
        return GroupStep([kernel], [kernel.name])
    return GlobalStep(kernel) if isinstance(kernel, GlobalKernel) else AliasStep(kernel)  # type: ignore[arg-type]


def group_step(group) -> GroupStep:
    """The step of a tpu.Group."""
    inner = list(group.regions[0].block.ops)
    kernels = [kernel_for(op) for op in inner if op.name not in BOUNDARIES]
    outputs = [tensor_name(op.operands[0]) for op in inner if op.name == "tpu.Store"]
    return GroupStep(kernels, outputs, group.get("nsecs"), group.get("hsecs"))  # type: ignore[arg-type]


def outputs_of(kernels: Sequence[LocalKernel], returned: set[SSAValue]) -> list[str]:
    """The tensors of some kernels that anything else uses, and those that nothing uses."""
    inside = {kernel.op for kernel in kernels}
    return [k.name for k in kernels if k.out in returned or not k.out.uses or any(use.operation not in inside for use in k.out.uses)]


@dataclass
class Uses:
    """How often the tensors of a slice are still read."""

    left: dict[Key, int] = field(default_factory=dict)

    @staticmethod
    def of(step: GroupStep) -> Uses:
        uses = Uses()
        for kernel in step.kernels:
            for key in step.keys(kernel):
                uses.left[key] = uses.left.get(key, 0) + 1
        return uses

    def take(self, key: Key) -> bool:
        """One use is done; True if it was the last."""
        self.left[key] -= 1
        return self.left[key] == 0


def is_local_op(op: TensorOp) -> bool:
    """Whether an op can be in a group."""
    return isinstance(kernel_for(op), LocalKernel)


__all__ = ["AliasStep", "GlobalStep", "GroupStep", "Key", "Step", "Uses", "cut", "group_step", "outputs_of", "single_step", "steps_of"]
