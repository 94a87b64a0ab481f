"""What convolutions and pools have in common: windows that slide over padded dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tpuc_onnx.graph import Node


@dataclass
class Window:
    """Kernel, strides, dilations for each spatial dimension; pads: all begins, then all ends."""

    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    pads: list[int]

    @classmethod
    def of(cls, node: Node, spatial: Sequence[int], kernel: Sequence[int] | None = None) -> Window:
        """The window of a node over an input of these spatial sizes, `auto_pad` resolved."""
        kernel = list(node.get("kernel_shape") or kernel or ())
        rank = len(kernel)
        window = cls(kernel, list(node.get("strides") or [1] * rank), list(node.get("dilations") or [1] * rank),
                     list(node.get("pads") or [0] * (2 * rank)))
        if node.get("auto_pad", "NOTSET") in ("SAME_UPPER", "SAME_LOWER"):
            window.pads = window._same_pads(spatial, is_upper=node.get("auto_pad") == "SAME_UPPER")
        elif node.get("auto_pad") == "VALID":
            window.pads = [0] * (2 * rank)
        return window

    def extent(self, i: int) -> int:
        """How many cells the kernel spans in dimension i."""
        return (self.kernel[i] - 1) * self.dilations[i] + 1

    def _same_pads(self, spatial: Sequence[int], *, is_upper: bool) -> list[int]:
        begins, ends = [], []
        for i, size in enumerate(spatial):
            outputs = -(-size // self.strides[i])
            total = max((outputs - 1) * self.strides[i] + self.extent(i) - size, 0)
            begins.append(total // 2 if is_upper else total - total // 2)
            ends.append(total - begins[-1])
        return begins + ends

    def pad_for_ceil(self, spatial: Sequence[int]) -> list[int]:
        """How many cells to add at each end so that the last, partial window counts. It must begin inside the input or its first pad."""
        rank, extra = len(self.kernel), []
        for i, size in enumerate(spatial):
            padded = size + self.pads[i] + self.pads[rank + i]
            steps = -(-(padded - self.extent(i)) // self.strides[i])
            if steps * self.strides[i] >= size + self.pads[i]:
                steps -= 1
            extra.append(max(steps * self.strides[i] + self.extent(i) - padded, 0))
        return extra

    def two_dimensional(self) -> Window:
        """A 1-D window as one over height, of width 1."""
        if len(self.kernel) != 1:
            return self
        begin, end = self.pads
        return Window([*self.kernel, 1], [*self.strides, 1], [*self.dilations, 1], [begin, 0, end, 0])
