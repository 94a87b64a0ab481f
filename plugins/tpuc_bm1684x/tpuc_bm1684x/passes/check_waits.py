"""A proof about the streams that codegen wrote: no command can overtake another one that it shares local memory with.

It starts from the bytes, not from what codegen knew. Two commands of different engines are in order if the later one waits,
itself or through a command before it on its own engine, for the earlier one. Two that touch the same bytes, one of them
writing, must be in order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from tpuc_bm1684x.codegen.footprint import footprint
from tpuc_bm1684x.isa import decode_stream
from tpuc_bm1684x.isa.fields import Command
from tpuc_core.errors import TpucError


class Stream:
    """The commands of one engine with their ranges; ids count from 1."""

    def __init__(self, engine: str, data: bytes):
        self.engine = engine
        self.commands: Sequence[Command] = decode_stream(engine, data)[:-1]  # type: ignore[arg-type]
        self.waited = list(accumulate((c.values()["cmd_id_dep"] for c in self.commands), max))
        rows = [(index, *r) for index, c in enumerate(self.commands) for r in footprint(c)]
        self.ranges = np.array(rows, np.int64).reshape(-1, 4)
        self.first_range = np.searchsorted(self.ranges[:, 0], np.arange(len(self.commands) + 1))

    def of(self, first: int, last: int) -> np.ndarray:
        """Ranges of commands first..last-1 (from 0): index, start, stop, is_write."""
        return self.ranges[self.first_range[first] : self.first_range[last]]


def check_waits(tiu: bytes, gdma: bytes) -> int:
    """How many pairs of commands were looked at. Raises TpucError for two that are not in order and touch the same bytes."""
    computing, moving = Stream("tiu", tiu), Stream("gdma", gdma)
    pairs = 0
    for index in range(len(computing.commands)):
        finished = computing.waited[index]
        unordered_until = bisect_left(moving.waited, index + 1)
        if unordered_until <= finished:
            continue
        pairs += unordered_until - finished
        others = moving.of(finished, unordered_until)
        for _, start, stop, is_write in computing.of(index, index + 1):
            clash = (others[:, 1] < stop) & (start < others[:, 2]) & ((others[:, 3] != 0) | (is_write != 0))
            if clash.any():
                other = int(others[clash][0, 0])
                raise TpucError(f"tiu command {index + 1} and gdma command {other + 1} touch the same local memory and do not wait for each other")
    return pairs
