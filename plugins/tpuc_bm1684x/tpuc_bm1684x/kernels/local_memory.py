"""Places in local memory: handles of tensors, and the allocator. All tensors start in lane 0, at the same offset of every lane."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tpuc_bm1684x.isa.memory_map import EU_BYTES, LANE_BYTES, LANES
from tpuc_bm1684x.kernels.constants import STORAGE
from tpuc_bm1684x.kernels.engine import Rows, Shape4


class DoesNotFit(Exception):
    """A tensor does not fit local memory, or a size or stride does not fit its field: the work must be cut smaller."""


def size_of(storage: str) -> int:
    """Bytes of an element."""
    return STORAGE[storage].itemsize


def aligned_strides(shape: Shape4, storage: str) -> Shape4:
    """Strides in elements of the aligned layout: channels at multiples of 64 bytes."""
    _, c, h, w = shape
    row = EU_BYTES // size_of(storage)
    channel = -(-h * w // row) * row
    return -(-c // LANES) * channel, channel, w, 1


@dataclass(frozen=True)
class Local:
    """A tensor in local memory: offset in the lane in bytes, strides in elements (the c stride is from slot to slot)."""

    offset: int
    shape: Shape4
    storage: str
    strides: Shape4

    @staticmethod
    def aligned(offset: int, shape: Shape4, storage: str) -> Local:
        """A tensor in the aligned layout."""
        return Local(offset, shape, storage, aligned_strides(shape, storage))

    @property
    def is_aligned(self) -> bool:
        """Whether the strides are those of the aligned layout, where they matter."""
        wanted = aligned_strides(self.shape, self.storage)
        slots = (self.shape[0], -(-self.shape[1] // LANES), *self.shape[2:])
        return self.offset % EU_BYTES == 0 and all(size == 1 or a == b for size, a, b in zip(slots, self.strides, wanted))

    @property
    def is_per_channel(self) -> bool:
        """One element a channel, slots without gaps."""
        return (self.shape[0], *self.shape[2:]) == (1, 1, 1) and self.strides[1] == 1

    @property
    def end(self) -> int:
        """The first byte of the lane behind the tensor."""
        n, c, h, w = self.shape
        last = sum((size - 1) * stride for size, stride in zip((n, -(-c // LANES), h, w), self.strides))
        return self.offset + (last + 1) * size_of(self.storage)

    def moved(self, elements: int, shape: Shape4, strides: Shape4 | None = None) -> Local:
        """A part that begins some elements further on."""
        return replace(self, offset=self.offset + elements * size_of(self.storage), shape=shape, strides=strides or self.strides)

    def rows(self, rows: Rows) -> Local:
        n, c, _, w = self.shape
        return self.moved(rows.start * self.strides[2], (n, c, len(rows), w))

    def images(self, start: int, stop: int) -> Local:
        return self.moved(start * self.strides[0], (stop - start, *self.shape[1:]))

    def channels(self, start: int, stop: int) -> Local:
        n, _, h, w = self.shape
        return self.moved(start // LANES * self.strides[1], (n, stop - start, h, w))

    def window(self, rows: slice, columns: slice) -> Local:
        n, c, h, w = self.shape
        (r0, r1, rs), (c0, c1, cs) = rows.indices(h), columns.indices(w)
        shape = (n, c, -(-(r1 - r0) // rs), -(-(c1 - c0) // cs))
        ns, ls, hs, ws = self.strides
        return self.moved(r0 * hs + c0 * ws, shape, (ns, ls, hs * rs, ws * cs))


def aligned_bytes(shape: Shape4, storage: str) -> int:
    """Bytes of a lane that an aligned tensor takes."""
    return shape[0] * aligned_strides(shape, storage)[0] * size_of(storage)


class Allocator:
    """Gives out ranges of a lane, at multiples of 64 bytes. The search goes on where the last one ended, so that memory that was
    freed just now is used last: a transfer into it would have to wait for the computation that read it."""

    def __init__(self, size_bytes: int = LANE_BYTES):
        self.free = [(0, size_bytes)]
        self.cursor = 0
        self.used: dict[int, int] = {}

    def take(self, size_bytes: int) -> int:
        """The offset of a range. Raises DoesNotFit."""
        size = max(EU_BYTES, -(-size_bytes // EU_BYTES) * EU_BYTES)
        order = sorted(range(len(self.free)), key=lambda i: (self.free[i][0] < self.cursor, self.free[i][0]))
        for i in order:
            start, stop = self.free[i]
            if stop - start >= size:
                self.free[i : i + 1] = [(start + size, stop)] if stop - start > size else []
                self.used[start] = size
                self.cursor = start + size
                return start
        raise DoesNotFit(f"{size} bytes a lane")

    def give_back(self, offset: int) -> None:
        """Free a range."""
        self.free.append((offset, offset + self.used.pop(offset)))
        self.free.sort()
        joined: list[tuple[int, int]] = []
        for start, stop in self.free:
            if joined and joined[-1][1] == start:
                joined[-1] = (joined[-1][0], stop)
            else:
                joined.append((start, stop))
        self.free = joined

    def snapshot(self) -> tuple:
        """The state, for `restore`."""
        return list(self.free), self.cursor, dict(self.used)

    def restore(self, state: tuple) -> None:
        self.free, self.cursor, self.used = list(state[0]), state[1], dict(state[2])
