"""`--shape-infer`: every tensor gets its shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tpuc_core.ir import Model, State, infer_shapes
from tpuc_core.passes.base import Pass


@dataclass
class ShapeInfer(Pass):
    """Give every tensor its shape; padding rules (auto_pad, ceil_mode) become pads, negative axes positive ones."""

    name: ClassVar[str] = "shape-infer"
    takes: ClassVar[State | tuple[State, ...] | None] = (State.TOP_F32, State.TOP_CALIBRATED, State.TOP_QUANTIZED)

    def apply(self, model: Model) -> None:
        infer_shapes(model)
