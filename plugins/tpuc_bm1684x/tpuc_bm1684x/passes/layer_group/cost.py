"""What a group costs: cycles of both engines, and whether its tensors fit local memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tpuc_bm1684x.codegen.emit import WORD_BYTES, block_operands
from tpuc_bm1684x.codegen.steps import GroupStep, Uses, cut
from tpuc_bm1684x.isa.memory_map import LANE_BYTES
from tpuc_bm1684x.kernels import LocalKernel, Slice
from tpuc_bm1684x.kernels.base import Key
from tpuc_bm1684x.kernels.cost_engine import CostEngine
from tpuc_bm1684x.kernels.engine import GlobalView, Rows, Shape4
from tpuc_bm1684x.kernels.local_memory import DoesNotFit, Local, aligned_bytes

USABLE_BYTES = LANE_BYTES * 15 // 16  # the rest is lost between tensors


@dataclass(frozen=True)
class KernelCost:
    """TIU cycles, and bytes of a lane beyond operands and result, of a kernel on one slice."""

    tiu_cycles: int
    working_bytes: int


class CostModel:
    """Costs of kernels and transfers; equal questions are answered once."""

    def __init__(self) -> None:
        self.kernel_costs: dict[tuple, KernelCost] = {}

    def kernel(self, kernel: LocalKernel, images: int, part: Slice) -> KernelCost:
        """The cost of a kernel on some images and rows. Raises DoesNotFit where an instruction cannot take it."""
        used = tuple((len(given), rows.within(given)) for rows, given in zip(kernel.needed(part), part.inputs))
        key = (kernel.name, images, part.rows.start == 0, part.rows.stop == kernel.out_shape[2], len(part.rows), used)
        if key not in self.kernel_costs:
            self.kernel_costs[key] = _run(kernel, images, part)
        return self.kernel_costs[key]


def _run(kernel: LocalKernel, images: int, part: Slice) -> KernelCost:
    engine = CostEngine()
    _, c, _, w = kernel.out_shape
    out = Local.aligned(0, (images, c, len(part.rows), w), kernel.out_storage)
    inputs = [_operand(kernel, i, images, rows) for i, rows in enumerate(part.inputs)]
    for chunk, block in kernel.blocks:
        constants = block_operands(block, 0)
        if len(kernel.blocks) == 1:
            kernel.compute(engine, out, inputs, constants, part)
        else:
            for n in range(images):
                kernel.compute(engine, out.images(n, n + 1).channels(*chunk), [x.images(n, n + 1) for x in inputs], constants, part)
    return KernelCost(engine.cycles["tiu"], engine.peak_bytes)


def _operand(kernel: LocalKernel, index: int, images: int, rows: Rows) -> Local:
    n, c, _, w = kernel.in_shape(index)
    return Local.aligned(0, (images if n > 1 else 1, c, len(rows), w), kernel.in_storage(index))


@cache
def load_cycles(shape: Shape4, strides: Shape4, storage: str) -> int:
    """GDMA cycles of a load; a store is taken to cost a third more (10.2 bytes a cycle in place of 13.5)."""
    engine = CostEngine()
    engine.load(Local.aligned(0, shape, storage), GlobalView("", storage, shape, strides))
    return engine.cycles["gdma"]


def block_cycles(kernel: LocalKernel) -> int:
    """GDMA cycles of an op's constants."""
    total = 0
    for _, block in kernel.blocks:
        if block.size_bytes:
            words = block.lane_bytes // WORD_BYTES
            total += load_cycles((1, block.lanes, 1, words), (0, words, words, 1), "i32")
    return total


def block_bytes(kernel: LocalKernel) -> int:
    """Bytes of a lane that an op's constants take at a time."""
    return max(block.lane_bytes for _, block in kernel.blocks)


def group_cycles(step: GroupStep, costs: CostModel) -> int | None:
    """Estimated cycles of a group, None if it does not fit local memory."""
    total_tiu = total_gdma = 0
    is_kept = step.nsecs * step.hsecs > 1
    if is_kept and len(step.kernels) > 1 and any(len(k.blocks) > 1 for k in step.kernels):
        return None
    kept = sum(block_bytes(k) for k in step.kernels) if is_kept else 0
    for h in range(step.hsecs):
        try:
            section = _section_cycles(step, h, kept, is_kept, costs)
        except DoesNotFit:
            return None
        if section is None:
            return None
        total_tiu += section[0] * step.nsecs
        total_gdma += section[1] * step.nsecs
    total_gdma += sum(block_cycles(k) * (step.nsecs * step.hsecs if len(k.blocks) > 1 else 1) for k in step.kernels)
    return max(total_tiu, total_gdma) + min(total_tiu, total_gdma) // 8


def _section_cycles(step: GroupStep, h: int, kept: int, is_kept: bool, costs: CostModel) -> tuple[int, int] | None:
    """TIU and GDMA cycles of one slice, None if it does not fit."""
    rows, uses = step.rows(h), Uses.of(step)
    sizes = Sizes(step)
    live: dict[Key, int] = {}
    tiu = gdma = 0
    for kernel in step.kernels:
        keys = step.keys(kernel)
        for index, key in enumerate(keys):
            if key not in live:
                live[key] = sizes.bytes(key, kernel.in_storage(index), rows[key])
                gdma += sizes.load_cycles(key, kernel.in_storage(index), rows[key])
        own = kernel.name, kernel.out_shape
        cost = costs.kernel(kernel, sizes.images(kernel.out_shape[0]), Slice(rows[own], tuple(rows[key] for key in keys)))
        live[own] = sizes.bytes(own, kernel.out_storage, rows[own])
        blocks = kept if is_kept else block_bytes(kernel)
        if sum(live.values()) + cost.working_bytes + blocks > USABLE_BYTES:
            return None
        tiu += cost.tiu_cycles
        if kernel.name in step.outputs:
            gdma += sizes.load_cycles(own, kernel.out_storage, cut(kernel.out_shape[2], step.hsecs, h)) * 4 // 3
        for key in keys:
            if uses.take(key):
                del live[key]
        if own not in uses.left:
            del live[own]
    return tiu, gdma


class Sizes:
    """Sizes of the tensors of a group's slices."""

    def __init__(self, step: GroupStep):
        self.nsecs = step.nsecs

    def images(self, count: int) -> int:
        """Images of a tensor in the largest slice."""
        return -(-count // self.nsecs) if count > 1 else 1

    def bytes(self, key: Key, storage: str, rows: Rows) -> int:
        n, c, _, w = key[1]
        return aligned_bytes((self.images(n), c, len(rows), w), storage)

    def load_cycles(self, key: Key, storage: str, rows: Rows) -> int:
        n, c, h, w = key[1]
        return load_cycles((self.images(n), c, len(rows), w), (c * h * w, h * w, w, 1), storage)


def sections(images: int, height: int) -> Sequence[tuple[int, int]]:
    """Ways to cut a group, coarse ones first: images, then rows."""
    counts = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]
    cuts = [(n, 1) for n in counts if n < images] + [(images, 1)]
    return [*cuts, *((images, h) for h in [*(c for c in counts[1:] if c < height), height] if h > 1)]
