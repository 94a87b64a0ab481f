"""The quantization plan: for every op a precision with a reason, for every tensor its scale and zero point.

A plan is data between two parties that do not know each other: a quantizer plugin makes it, a chip plugin lowers by it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from tpuc_core.errors import TpucError, unknown
from tpuc_core.files import existing_file


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

    @property
    def real_limits(self) -> tuple[float, float]:
        """What they stand for."""
        low, high = self.limits
        return (low - self.zero_point) * self.scale, (high - self.zero_point) * self.scale


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

    def as_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {"mode": self.mode, "is_asymmetric": self.is_asymmetric,
                "ops": [{**asdict(op), "precision": str(op.precision)} for op in self.ops.values()],
                "tensors": {name: asdict(quantization) for name, quantization in self.tensors.items()}}


def fallback_table(plan: Plan) -> str:
    """The ops that do not run in the plan's mode as a table of op, kind, precision and reason; "" where there are none."""
    from tabulate import tabulate

    rows = [(op.name, op.kind, op.precision, op.reason) for op in plan.fallbacks()]
    return tabulate(rows, headers=("op", "kind", "runs in", "because of")) if rows else ""


def read_quantization_table(path: str | Path) -> dict[str, Precision]:
    """Precisions by op name, out of lines `NAME MODE`; `#` begins a comment.

    Raises TpucError: no such file, a line of another form, an unknown mode.
    """
    table = {}
    for number, line in enumerate(existing_file(path).read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2:
            raise TpucError(f'"{path}" line {number}: "{line.strip()}" should be an op name and a mode')
        if words[1].upper() not in list(Precision):
            raise unknown("mode", words[1], list(Precision), f'"{path}" line {number}: ')
        table[words[0]] = Precision(words[1].upper())
    return table
