"""The quantization plan: for every op a precision with a reason, for every tensor its scale and zero point.

A plan is data between two parties that do not know each other: a quantizer plugin makes it, a chip plugin lowers by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Precision(StrEnum):
    """The arithmetic that an op runs in."""

    F32 = "F32"
    F16 = "F16"
    BF16 = "BF16"
    INT8 = "INT8"


@dataclass(frozen=True)
class TensorQuantization:
    """Linear quantization of a tensor: real = (stored - zero_point) * scale; stored is 8 bits, signed or not."""

    scale: float
    zero_point: int = 0
    is_signed: bool = True

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the greatest stored value."""
        return (-128, 127) if self.is_signed else (0, 255)


@dataclass(frozen=True)
class OpPlan:
    """What one op runs in, and why, where that is not what the mode asked for."""

    name: str
    kind: str
    precision: Precision
    reason: str = ""


@dataclass
class Plan:
    """Precision of every op and quantization of every tensor of a model, by name, in the order of the model."""

    mode: str
    is_asymmetric: bool = False
    ops: dict[str, OpPlan] = field(default_factory=dict)
    tensors: dict[str, TensorQuantization] = field(default_factory=dict)

    def fallbacks(self) -> list[OpPlan]:
        """The ops that do not run in the plan's mode."""
        return [op for op in self.ops.values() if op.reason]
