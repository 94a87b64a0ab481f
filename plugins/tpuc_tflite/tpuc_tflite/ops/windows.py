"""The padding rule of windows: SAME and VALID."""

from __future__ import annotations

from collections.abc import Sequence

from tpuc_tflite.graph import Node

SAME = 0  # Padding of the schema; VALID is 1


def pads_of(
    node: Node, spatial: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int] = (1, 1)
) -> list[int]:
    """[top, left, bottom, right]; of an odd number SAME puts the greater half behind."""
    if node.option("Padding", 1) != SAME:
        return [0, 0, 0, 0]
    begins, ends = [], []
    for size, extent, stride, dilation in zip(spatial, kernel, strides, dilations):
        total = max((-(-size // stride) - 1) * stride + dilation * (extent - 1) + 1 - size, 0)
        begins.append(total // 2)
        ends.append(total - total // 2)
    return begins + ends
