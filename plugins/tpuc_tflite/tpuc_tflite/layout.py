"""How the elements of a file's tensor lie in the imported one.

TFLite stores maps as [n, h, w, c]. Convolutions and what stands between them run on [n, c, h, w]; a tensor keeps the layout in
which it comes into being until somebody needs another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TO_PLANAR = (0, 3, 1, 2)
TO_FILE = (0, 2, 3, 1)


@dataclass(frozen=True)
class Layout:
    """imported = file.reshape(`shape`).transpose(TO_PLANAR).reshape(imported shape); `shape` None: as in the file."""

    shape: tuple[int, int, int, int] | None = None

    @classmethod
    def planar(cls, shape: Sequence[int]) -> Layout:
        """[n, h, w, c] as [n, c, h, w]."""
        n, h, w, c = (int(d) for d in shape)
        return cls((n, h, w, c))

    @property
    def is_planar(self) -> bool:
        return self.shape is not None

    def imported(self, array: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """A file's array as the imported tensor of that shape."""
        if self.shape is not None:
            array = array.reshape(self.shape).transpose(TO_PLANAR)
        return np.ascontiguousarray(array).reshape(shape)

    def of_file(self, array: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """An imported array as the file's tensor of that shape."""
        if self.shape is not None:
            n, h, w, c = self.shape
            array = array.reshape(n, c, h, w).transpose(TO_FILE)
        return np.ascontiguousarray(array).reshape(shape)


AS_IN_FILE = Layout()


def planar_shape(shape: Sequence[int]) -> tuple[int, int, int, int]:
    """[n, c, h, w] of [n, h, w, c]."""
    n, h, w, c = (int(d) for d in shape)
    return n, c, h, w


def is_same_order(shape: Sequence[int]) -> bool:
    """Whether [n, h, w, c] and [n, c, h, w] hold the elements in the same order."""
    _, h, w, c = shape
    return c == 1 or h * w == 1


def planar_axis(axis: int) -> int:
    """The axis of [n, c, h, w] that is an axis of [n, h, w, c]."""
    return TO_PLANAR.index(axis)
