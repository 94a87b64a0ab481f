"""Writes the tensor map: for every tensor after which command, and where, each of its pieces comes to be."""

from __future__ import annotations

from typing import Any

from xdsl.ir import SSAValue

from tpuc_bm1684x.isa.memory_map import LOCAL_BASE
from tpuc_bm1684x.kernels.base import global_view, shape4
from tpuc_bm1684x.kernels.command_engine import CommandEngine
from tpuc_bm1684x.kernels.engine import Rows
from tpuc_bm1684x.kernels.local_memory import Local
from tpuc_core.ir import quantization_of, shape_of, storage_of, tensor_name


class TensorMapWriter:
    """Entries in the order of computation, as docs/bmodel.md describes them."""

    def __init__(self, engine: CommandEngine):
        self.engine = engine
        self.entries: dict[str, dict[str, Any]] = {}

    def snapshot(self) -> dict[str, int]:
        """How many pieces each tensor has."""
        return {name: len(entry["pieces"]) for name, entry in self.entries.items()}

    def restore(self, counts: dict[str, int]) -> None:
        """Forget the pieces since a snapshot."""
        self.entries = {name: entry for name, entry in self.entries.items() if name in counts}
        for name, count in counts.items():
            del self.entries[name]["pieces"][count:]

    def _entry(self, value: SSAValue) -> dict[str, Any]:
        quantization = quantization_of(value)
        shape = list(shape_of(value))
        return self.entries.setdefault(tensor_name(value), {
            "name": tensor_name(value), "storage": storage_of(value), "shape": shape, "shape4": list(shape4(shape)),
            "scale": quantization.scale if quantization else 1.0, "zero_point": quantization.zero_point if quantization else 0, "pieces": [],
        })

    def computed(self, value: SSAValue, x: Local, images: Rows, rows: Rows) -> None:
        """The last TIU command completes these rows; rows that an earlier slice made too are left out."""
        pieces = self._entry(value)["pieces"]
        made = max((p["offset"][2] + p["shape"][2] for p in pieces if p["offset"][0] == images.start), default=rows.start)
        fresh = Rows(max(rows.start, made), rows.stop)
        if len(fresh):
            part = x.rows(fresh.within(rows))
            pieces.append(self._piece("tiu", "local", LOCAL_BASE + part.offset, part.shape, part.strides, (images.start, 0, fresh.start, 0)))

    def input(self, value: SSAValue) -> None:
        """An input of the net is there from the start."""
        self._global(value, value, after=0)

    def stored(self, value: SSAValue) -> None:
        """The last GDMA command completes the tensor in global memory: its piece, where the tensor has no local ones."""
        if not self._entry(value)["pieces"]:
            self._global(value, value, after=self.engine.last_id("gdma"))

    def alias(self, value: SSAValue, source: SSAValue) -> None:
        """A tensor is another one's memory."""
        self._global(value, source, after=self.engine.last_id("gdma"))

    def _global(self, value: SSAValue, source: SSAValue, after: int) -> None:
        view = global_view(value)
        self._entry(value)["pieces"].append(
            self._piece("gdma", "global", self.engine.addresses[tensor_name(value)], view.shape, view.strides, (0, 0, 0, 0), after))

    def _piece(self, engine: str, space: str, address: int, shape, strides, offset, after: int | None = None) -> dict[str, Any]:
        return {"engine": engine, "after": self.engine.last_id(engine) if after is None else after, "group": 0, "space": space,
                "address": address, "shape": list(shape), "strides": list(strides), "offset": list(offset)}
