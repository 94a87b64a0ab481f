"""Code generation: instructions become commands, and every command waits for what it depends on.

Both engines run their own commands in order. A command must wait for the other engine where they touch the same local memory
and one of them writes; a command's `cmd_id_dep` is the last command of the other engine that it waits for. Global
memory is touched by the GDMA only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tpuc_bm1684x.isa import FORM_BY_NAME
from tpuc_bm1684x.isa.memory_map import EU_BYTES, LANE_BYTES
from tpuc_bm1684x.kernels.constants import STORAGE
from tpuc_bm1684x.kernels.engine import GlobalView, Shape4
from tpuc_bm1684x.kernels.instruction_engine import InstructionEngine
from tpuc_bm1684x.kernels.local_memory import Allocator, Local, aligned_bytes

UNITS = LANE_BYTES // EU_BYTES
OTHER = {"tiu": "gdma", "gdma": "tiu"}


@dataclass(frozen=True)
class IssuedCommand:
    """A command before it is encoded."""

    engine: str
    form: str
    fields: dict[str, int]
    cmd_id: int
    waits_for: int

    def encode(self) -> bytes:
        """The command's bytes."""
        return FORM_BY_NAME[self.form].encode(cmd_id=self.cmd_id, cmd_id_dep=self.waits_for, **self.fields)


class Hazards:
    """For every 64 bytes of a lane the last command of each engine that read and that wrote it."""

    def __init__(self) -> None:
        self.reads = {engine: np.zeros(UNITS, np.int32) for engine in OTHER}
        self.writes = {engine: np.zeros(UNITS, np.int32) for engine in OTHER}

    def wait(self, engine: str, reads: Sequence[Local], writes: Sequence[Local]) -> int:
        """The last command of the other engine that a command with these operands depends on; 0 for none."""
        read, written = self.reads[OTHER[engine]], self.writes[OTHER[engine]]
        last = 0
        for x in reads:
            last = max(last, int(written[_units(x)].max()))
        for x in writes:
            last = max(last, int(written[_units(x)].max()), int(read[_units(x)].max()))
        return last

    def record(self, engine: str, cmd_id: int, reads: Sequence[Local], writes: Sequence[Local]) -> None:
        """A command has these operands."""
        for x in reads:
            self.reads[engine][_units(x)] = cmd_id
        for x in writes:
            self.writes[engine][_units(x)] = cmd_id

    def snapshot(self) -> Hazards:
        """A copy."""
        copy = Hazards.__new__(Hazards)
        copy.reads = {k: v.copy() for k, v in self.reads.items()}
        copy.writes = {k: v.copy() for k, v in self.writes.items()}
        return copy


def _units(x: Local) -> slice:
    return slice(x.offset // EU_BYTES, -(-x.end // EU_BYTES))


class CommandEngine(InstructionEngine):
    """`addresses`: where every tensor begins in global memory."""

    def __init__(self, addresses: Mapping[str, int]):
        super().__init__()
        self.addresses = addresses
        self.allocator = Allocator()
        self.hazards = Hazards()
        self.commands: dict[str, list[IssuedCommand]] = {"tiu": [], "gdma": []}

    def _allocate(self, shape: Shape4, storage: str) -> Local:
        return Local.aligned(self.allocator.take(aligned_bytes(shape, storage)), shape, storage)

    def _release(self, x: Local) -> None:
        self.allocator.give_back(x.offset)

    def allocate_bytes(self, size_bytes: int) -> int:
        """The offset of a block of the lanes. Raises DoesNotFit."""
        return self.allocator.take(size_bytes)

    def free(self, offset: int) -> None:
        """Give a tensor or block back that was made outside of a scope."""
        self.allocator.give_back(offset)

    def last_id(self, engine: str) -> int:
        """The id of the engine's last command."""
        return len(self.commands[engine])

    def _global_address(self, view: GlobalView) -> int:
        return self.addresses[view.tensor] + view.offset * STORAGE[view.storage].itemsize

    def _issue(self, engine: str, form: str, reads: Sequence[Local | GlobalView], writes: Sequence[Local | GlobalView], **fields: int) -> None:
        local_reads = [x for x in reads if isinstance(x, Local)]
        local_writes = [x for x in writes if isinstance(x, Local)]
        waits_for = self.hazards.wait(engine, local_reads, local_writes)
        cmd_id = len(self.commands[engine]) + 1
        self.hazards.record(engine, cmd_id, local_reads, local_writes)
        self.commands[engine].append(IssuedCommand(engine, form, fields, cmd_id, waits_for))

    def snapshot(self) -> tuple:
        """The state, for `restore`."""
        return self.allocator.snapshot(), self.hazards.snapshot(), {k: len(v) for k, v in self.commands.items()}

    def restore(self, state: tuple) -> None:
        """Forget the commands and allocations since a snapshot."""
        allocator, hazards, counts = state
        self.allocator.restore(allocator)
        self.hazards = hazards.snapshot()
        for engine, count in counts.items():
            del self.commands[engine][count:]
        self._scopes.clear()

    def streams(self) -> dict[str, list[bytes]]:
        """The commands of each engine."""
        return {engine: [command.encode() for command in commands] for engine, commands in self.commands.items()}
