"""Issues the commands of steps in an order in which transfers run beside computations.

Every kernel of every slice is a task. While a task computes, the constants and inputs of the next ones are loaded, as far
as they fit beside it: their transfers are issued before the task's own stores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

import numpy as np

from tpuc_bm1684x.codegen.steps import AliasStep, GlobalStep, GroupStep, Step, Uses, cut
from tpuc_bm1684x.codegen.tensor_map import TensorMapWriter
from tpuc_bm1684x.kernels import LocalKernel, Slice
from tpuc_bm1684x.kernels.base import Key, global_view
from tpuc_bm1684x.kernels.command_engine import CommandEngine
from tpuc_bm1684x.kernels.constants import STORAGE, Block, Form
from tpuc_bm1684x.kernels.engine import GlobalView, Rows
from tpuc_bm1684x.kernels.local_memory import Allocator, DoesNotFit, Local
from tpuc_core.ir import is_weight, tensor_name

LOOKAHEAD = 3  # tasks whose loads may be issued before a computation
WORD_BYTES = 4  # blocks of constants are moved as words: a transfer has at most 65535 elements in a row


def merged_name(kernel: LocalKernel) -> str:
    """The weight that holds an op's blocks of constants."""
    return f"{kernel.name}_merge"


def block_view(kernel: LocalKernel, index: int) -> GlobalView:
    """The block of one chunk in the op's merged weight."""
    sizes = [block.size_bytes for _, block in kernel.blocks]
    block = kernel.blocks[index][1]
    words = block.lane_bytes // WORD_BYTES
    return GlobalView(merged_name(kernel), "i32", (1, block.lanes, 1, words), (0, words, words, 1), sum(sizes[:index]) // WORD_BYTES)


def block_operands(block: Block, offset: int) -> dict[str, Local]:
    """The sections of a block that lies at an offset of the lanes, as operands."""
    operands = {}
    for constant, start in zip(block.constants, block.offsets().values()):
        size = STORAGE[constant.storage].itemsize
        elements = constant.slot_bytes // size
        channels = block.lanes if constant.form is Form.EVERY_LANE else constant.shape[0]
        width = elements if constant.form is not Form.ALIGNED else int(np.prod(constant.shape[1:]))
        operands[constant.name] = Local(offset + start, (1, channels, 1, width), constant.storage, (0, elements, elements, 1))
    return operands


@dataclass
class Task:
    """What is issued in one go; `prepare` may be called ahead of `run`, or not at all."""

    def prepare(self, emitter: Emitter) -> None:
        """Load what the task needs and is not there yet. Raises DoesNotFit."""

    def run(self, emitter: Emitter) -> None:
        raise NotImplementedError

    def held(self) -> list[dict]:
        """Where `prepare` notes what it loaded: places in local memory by tensor or block."""
        return []


class Emitter:
    """Issues steps on an engine; the tensor map is written on the way."""

    def __init__(self, engine: CommandEngine, lookahead: int = LOOKAHEAD):
        self.engine, self.lookahead = engine, lookahead
        self.tensors = TensorMapWriter(engine)
        self.in_global_memory: set[str] = set()

    def emit(self, steps: Sequence[Step], available: set[str]) -> None:
        """All commands of the steps; `available`: tensors that are in global memory from the start. Raises DoesNotFit."""
        self.in_global_memory = set(available)
        tasks = [list(tasks_of(step)) for step in steps]
        for index, step in enumerate(steps):
            later = list(islice(chain.from_iterable(tasks[index + 1 :]), self.lookahead))
            self._emit_as_possible(step, tasks[index], later)

    def _emit_as_possible(self, step: Step, tasks: Sequence[Task], later: Sequence[Task]) -> None:
        """A step, with loads of later ones ahead; if it does not fit so, with less of that, from empty memory. The last ways are
        those in which layer-group tried the step alone. Raises DoesNotFit."""
        state = self._snapshot(later)
        ways = [(later, self.lookahead), (later, 1), ([], self.lookahead), ([], 1)]
        for number, (following, lookahead) in enumerate(ways):
            try:
                self._emit_step(tasks if number == 0 else list(tasks_of(step)), following, lookahead)
                return
            except DoesNotFit:
                if number == len(ways) - 1:
                    raise
                self._restore(state)
                self._forget(later)

    def _emit_step(self, tasks: Sequence[Task], later: Sequence[Task], lookahead: int) -> None:
        """The tasks of a step, while up to `lookahead` of those after each are prepared."""
        following = [*tasks, *later]
        for index, task in enumerate(tasks):
            task.prepare(self)
            self._run(task, following[index + 1 : index + 1 + lookahead])

    def _run(self, task: Task, following: Sequence[Task]) -> None:
        """Run a task, with the loads of as many of the following ones before its computation as memory allows; if it does not
        even fit without, from the lowest free memory on."""
        state = self._snapshot([task, *following])
        for count in range(len(following), -1, -1):
            try:
                for each in following[:count]:
                    each.prepare(self)
                task.run(self)
                return
            except DoesNotFit:
                self._restore(state)
        self.engine.allocator.cursor = 0
        task.run(self)

    def _snapshot(self, tasks: Sequence[Task]) -> tuple:
        """The state, of what the tasks hold in local memory too."""
        held = [(places, dict(places)) for task in tasks for places in task.held()]
        return self.engine.snapshot(), self.tensors.snapshot(), set(self.in_global_memory), held

    def _restore(self, state: tuple) -> None:
        self.engine.restore(state[0])
        self.tensors.restore(state[1])
        self.in_global_memory = set(state[2])
        for places, content in state[3]:
            places.clear()
            places.update(content)

    def _forget(self, tasks: Sequence[Task]) -> None:
        """Nothing is in local memory any more; `tasks` are all that had loaded something ahead."""
        self.engine.allocator = Allocator()
        for task in tasks:
            for places in task.held():
                places.clear()


def tasks_of(step: Step) -> Iterator[Task]:
    """The tasks of a step."""
    if isinstance(step, AliasStep):
        yield AliasTask(step)
    elif isinstance(step, GlobalStep):
        yield GlobalTask(step)
    else:
        blocks = GroupBlocks(step, is_kept=step.nsecs * step.hsecs > 1)
        for n in range(step.nsecs):
            for h in range(step.hsecs):
                section = Section(step, n, h, step.rows(h), Uses.of(step))
                for kernel in step.kernels:
                    yield KernelTask(kernel, section, blocks)


@dataclass
class AliasTask(Task):
    step: AliasStep

    def run(self, emitter: Emitter) -> None:
        kernel = self.step.kernel
        emitter.tensors.alias(kernel.out, kernel.activations[0])
        emitter.in_global_memory.add(kernel.name)


@dataclass
class GlobalTask(Task):
    step: GlobalStep

    def run(self, emitter: Emitter) -> None:
        kernel = self.step.kernel
        kernel.emit(emitter.engine, global_view(kernel.out), [global_view(v) for v in kernel.activations], {})
        emitter.tensors.stored(kernel.out)
        emitter.in_global_memory.add(kernel.name)


@dataclass
class Section:
    """One slice of a group: which images and rows, and the tensors that are in local memory now."""

    step: GroupStep
    n: int
    h: int
    rows: dict[Key, Rows]
    uses: Uses
    tensors: dict[Key, Local] = field(default_factory=dict)

    def images(self, count: int) -> Rows:
        """The images of a tensor with `count` of them."""
        return cut(count, self.step.nsecs, self.n)


@dataclass
class GroupBlocks:
    """The blocks of constants of a group that are in local memory: offset by kernel and chunk."""

    step: GroupStep
    is_kept: bool
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)

    def load(self, engine: CommandEngine, kernel: LocalKernel, index: int) -> int | None:
        """The offset of a block, loaded if it is not there; None for an op without constants. Raises DoesNotFit."""
        key = kernel.name, index
        block = kernel.blocks[index][1]
        if block.size_bytes == 0:
            return None
        if key not in self.offsets:
            offset = engine.allocate_bytes(block.lane_bytes)
            words = block.lane_bytes // WORD_BYTES
            engine.load(Local(offset, (1, block.lanes, 1, words), "i32", (0, words, words, 1)), block_view(kernel, index))
            self.offsets[key] = offset
        return self.offsets[key]

    def free(self, engine: CommandEngine, kernel: LocalKernel, index: int) -> None:
        """Give a block back."""
        offset = self.offsets.pop((kernel.name, index), None)
        if offset is not None:
            engine.free(offset)


@dataclass
class KernelTask(Task):
    """One kernel on one slice."""

    kernel: LocalKernel
    section: Section
    blocks: GroupBlocks

    def keys(self) -> list[Key]:
        """The keys of the operands."""
        return self.section.step.keys(self.kernel)

    def prepare(self, emitter: Emitter) -> None:
        engine = emitter.engine
        self.blocks.load(engine, self.kernel, 0)
        for index, key in enumerate(self.keys()):
            name = key[0]
            if key not in self.section.tensors and name not in self.section.step.made and self._is_available(emitter, index):
                self.section.tensors[key] = self._load(engine, index, key)

    def _is_available(self, emitter: Emitter, index: int) -> bool:
        value = self.kernel.activations[index]
        return is_weight(value) or tensor_name(value) in emitter.in_global_memory

    def held(self) -> list[dict]:
        return [self.section.tensors, self.blocks.offsets]

    def _load(self, engine: CommandEngine, index: int, key: Key) -> Local:
        value, (n, c, h, w) = self.kernel.activations[index], key[1]
        images = self.section.images(n) if n > 1 else Rows(0, 1)
        rows = self.section.rows[key]
        view = GlobalView.whole(tensor_name(value), global_view(value).storage, (n, c, h, w)).images(images.start, images.stop).rows(rows)
        x = engine.local((len(images), c, len(rows), w), view.storage)
        (engine.load_to_lanes if key in self.section.step.spread else engine.load)(x, view)
        return x

    def run(self, emitter: Emitter) -> None:
        self.prepare(emitter)
        engine, section, kernel = emitter.engine, self.section, self.kernel
        rows = section.rows[kernel.name, kernel.out_shape]
        images = section.images(kernel.out_shape[0])
        _, c, _, w = kernel.out_shape
        part = Slice(rows, tuple(section.rows[key] for key in self.keys()))
        out = engine.local((len(images), c, len(rows), w), kernel.out_storage)
        self._compute(engine, out, [section.tensors[key] for key in self.keys()], part)
        emitter.tensors.computed(kernel.out, out, images, rows)
        self._finish(emitter, out, images, rows)

    def _compute(self, engine: CommandEngine, out: Local, inputs: Sequence[Local], part: Slice) -> None:
        chunks = self.kernel.blocks
        for index, (chunk, block) in enumerate(chunks):
            offset = self.blocks.load(engine, self.kernel, index)
            if index + 1 < len(chunks):
                self._load_ahead(engine, index + 1)
            constants = {} if offset is None else block_operands(block, offset)
            if len(chunks) == 1:
                self.kernel.compute(engine, out, inputs, constants, part)
            else:
                for n in range(out.shape[0]):
                    self.kernel.compute(engine, out.images(n, n + 1).channels(*chunk), [x.images(n, n + 1) for x in inputs], constants, part)
            if len(chunks) > 1 or not self.blocks.is_kept:
                self.blocks.free(engine, self.kernel, index)

    def _load_ahead(self, engine: CommandEngine, index: int) -> None:
        before = engine.snapshot()
        try:
            self.blocks.load(engine, self.kernel, index)
        except DoesNotFit:
            engine.restore(before)

    def _finish(self, emitter: Emitter, out: Local, images: Rows, rows: Rows) -> None:
        engine, section, kernel = emitter.engine, self.section, self.kernel
        own = kernel.name, kernel.out_shape
        section.tensors[own] = out
        if kernel.name in section.step.outputs:
            mine = cut(kernel.out_shape[2], section.step.hsecs, section.h)
            view = global_view(kernel.out).images(images.start, images.stop).rows(mine)
            engine.store(view, out.rows(mine.within(rows)))
            if section.n == section.step.nsecs - 1 and section.h == section.step.hsecs - 1:
                emitter.tensors.stored(kernel.out)
                emitter.in_global_memory.add(kernel.name)
        for key in self.keys():
            if section.uses.take(key):
                engine.free(section.tensors.pop(key).offset)
        if own not in section.uses.left:
            engine.free(section.tensors.pop(own).offset)
        is_last_slice = section.n == section.step.nsecs - 1 and section.h == section.step.hsecs - 1
        if is_last_slice and self.blocks.is_kept:
            self.blocks.free(engine, kernel, 0)
