"""Cycles and working memory of a kernel, without addresses: what layer-group plans with."""

from __future__ import annotations

from collections.abc import Sequence

from tpuc_bm1684x.isa import FORM_BY_NAME
from tpuc_bm1684x.isa.memory_map import EU_BYTES, GLOBAL_BASE
from tpuc_bm1684x.kernels.engine import GlobalView, Shape4
from tpuc_bm1684x.kernels.instruction_engine import InstructionEngine
from tpuc_bm1684x.kernels.local_memory import Local, aligned_bytes
from tpuc_bm1684x.simulator.timing import tiu_cycles
from tpuc_bm1684x.simulator.timing_dma import gdma_cycles


class CostEngine(InstructionEngine):
    """Counts TIU and GDMA cycles, and the most bytes of a lane that were in use at once."""

    def __init__(self) -> None:
        super().__init__()
        self.cycles = {"tiu": 0, "gdma": 0}
        self.used_bytes = self.peak_bytes = 0

    def _allocate(self, shape: Shape4, storage: str) -> Local:
        size = aligned_bytes(shape, storage)
        self.used_bytes += size
        self.peak_bytes = max(self.peak_bytes, self.used_bytes)
        return Local.aligned(EU_BYTES * (self.used_bytes // EU_BYTES), shape, storage)

    def _release(self, x: Local) -> None:
        self.used_bytes -= aligned_bytes(x.shape, x.storage)

    def _global_address(self, view: GlobalView) -> int:
        return GLOBAL_BASE

    def _issue(self, engine: str, form: str, reads: Sequence[Local | GlobalView], writes: Sequence[Local | GlobalView], **fields: int) -> None:
        known = FORM_BY_NAME[form]
        fields = {name: value & known.fields[name].mask for name, value in fields.items()}
        command = known(cmd_id=1, **fields)
        self.cycles[engine] += tiu_cycles(command) if engine == "tiu" else gdma_cycles(command)
