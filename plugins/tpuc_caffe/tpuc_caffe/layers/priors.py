"""The boxes that detectors of the SSD family start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from tpuc_core.errors import TpucError


@dataclass(frozen=True)
class PriorBoxes:
    """Boxes around the cells of a map [height, width]; sizes and steps in pixels of the picture, [height, width] too."""

    sizes: Sequence[tuple[float, float]]
    """Width and height of each box of a cell, in order."""
    variances: Sequence[float]
    step: tuple[float, float]
    image: tuple[int, int]
    offset: float
    clip: bool

    @classmethod
    def of(cls, parameters: Any, map_size: Sequence[int], image_size: Sequence[int]) -> PriorBoxes:
        """As a PriorBox layer describes them. Raises TpucError: sizes or variances that do not fit each other."""
        p = parameters
        image = tuple(image_size)
        if p.HasField("img_size"):
            image = (p.img_size, p.img_size)
        elif p.HasField("img_h"):
            image = (p.img_h, p.img_w)
        step = (image[0] / map_size[0], image[1] / map_size[1])
        if p.HasField("step"):
            step = (p.step, p.step)
        elif p.HasField("step_h"):
            step = (p.step_h, p.step_w)
        variances = list(p.variance) or [0.1]
        if len(variances) not in (1, 4):
            raise TpucError(f"it gives {len(variances)} variances; 1 or 4 are right")
        return cls(_box_sizes(p), variances if len(variances) == 4 else variances * 4, step, image, p.offset, p.clip)

    def array(self, map_size: Sequence[int]) -> np.ndarray:
        """[1, 2, boxes * 4]: left, top, right, bottom of each box in parts of the picture; then the variances for each."""
        height, width = map_size
        sizes = np.array(self.sizes, np.float32)
        centres = np.empty((height, width, 1, 2), np.float32)
        centres[..., 0] = ((np.arange(width) + self.offset) * self.step[1]).reshape(1, -1, 1)
        centres[..., 1] = ((np.arange(height) + self.offset) * self.step[0]).reshape(-1, 1, 1)
        boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=-1)
        boxes /= np.array([self.image[1], self.image[0]] * 2, np.float32)
        if self.clip:
            boxes = boxes.clip(0, 1)
        variances = np.tile(np.array(self.variances, np.float32), boxes.size // 4)
        return np.stack([boxes.ravel(), variances])[None]


def _box_sizes(p: Any) -> list[tuple[float, float]]:
    """A square of each min_size, a square between min_size and max_size, and one box for each aspect ratio but 1."""
    if not p.min_size or (p.max_size and len(p.max_size) != len(p.min_size)):
        raise TpucError(f"it gives {len(p.min_size)} min_size and {len(p.max_size)} max_size; as many of both, or no max_size, are right")
    ratios: list[float] = [1.0]
    for ratio in p.aspect_ratio:
        if all(abs(ratio - known) >= 1e-6 for known in ratios):
            ratios += [ratio, 1 / ratio] if p.flip else [ratio]
    sizes: list[tuple[float, float]] = []
    for i, smallest in enumerate(p.min_size):
        sizes.append((smallest, smallest))
        if p.max_size:
            sizes.append((sqrt(smallest * p.max_size[i]),) * 2)
        sizes += [(smallest * sqrt(ratio), smallest / sqrt(ratio)) for ratio in ratios[1:]]
    return sizes
