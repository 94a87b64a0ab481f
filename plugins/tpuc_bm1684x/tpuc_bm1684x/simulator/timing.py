"""Cycles of commands and command groups, as the vendor's compiler estimates them (docs/isa/timing.md).

It is an estimate: no command was timed on hardware. Both engines run at 1 GHz.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tpuc_bm1684x.isa.fields import Command
from tpuc_bm1684x.isa.kinds import ElementType, Layout
from tpuc_bm1684x.isa.memory_map import BANK_BYTES, EU_BYTES, LANE_BYTES, LANES
from tpuc_core.errors import TpucError

CLOCK_HZ = 1_000_000_000
DIVISION, FREE_OPERATIONS = 12, {17, 18, 19, 24, 25}
"""AR operations: division, and those that overwrite an operand at full speed."""
POINTS, FLOAT_POINTS = 4, 16
"""Result elements of a convolution that a lane makes at a time, for 8 and 16 bits, and for f32."""
DEPTH = {ElementType.I8: 64, ElementType.F16: 32, ElementType.BF16: 32, ElementType.I16: 32, ElementType.F32: 1}
"""Input channels that a lane multiplies at a time."""
SCATTER_GATHER_FACTOR = {
    **dict.fromkeys((0, 1, 3, 4, 5, 6, 8, 9, 10), 1.0),
    7: 0.25,
    13: 1.5,
    14: 1.5,
    15: 3.0,
    16: 1.5,
}
SPECIAL_FUNCTION_STEPS = {15: 1, 17: 30}
TAYLOR = (12, 13)

TiuCycles = Callable[["_Shape"], int]


def _up(a: int, b: int) -> int:
    return -(-a // b)


class _Shape:
    """A command with the sizes that most formulas use: n, h, w, and the passes over 64 lanes that its channels take."""

    def __init__(self, command: Command):
        self.values = values = command.values()
        self.get = values.get
        self.kind = command.form.removeprefix("s")
        self.n, self.c = values.get("res0_n", 1), values.get("res0_c", 1)
        self.h, self.w = values.get("res0_h", 1), values.get("res0_w", 1)
        self.plane = self.h * self.w

    def __getitem__(self, name: str) -> int:
        return self.values[name]

    def passes(self) -> int:
        return _up(self["res0_addr"] // LANE_BYTES % LANES + self.c, LANES)

    def per_cycle(self, *operands: str) -> int:
        """Elements of a lane per cycle: of the widest of the operands' types."""
        return EU_BYTES // max(ElementType(self[f"{name}_prec"]).size_bytes for name in operands)

    def bank_clash(self) -> int:
        """2 where result and operand lie in the same bank of the same lane."""
        return 2 if self["res0_addr"] // BANK_BYTES == self["opd0_addr"] // BANK_BYTES else 1


def _convolution(s: _Shape) -> int:
    kind = ElementType(s["opd0_prec"])
    points = FLOAT_POINTS if kind == ElementType.F32 else POINTS
    return s.n * s.passes() * _up(s.plane, points) * s["opd1_h"] * s["opd1_w"] * _up(s["opd0_c"], DEPTH[kind])


def _pooling(s: _Shape) -> int:
    unit = s.per_cycle("opd0", "res0")
    lines = s.h * _up(s.w, unit) if s["opd1_h"] == 1 else _up(s.plane, unit)
    slow = 3 if s["res_op_x_str"] > 1 and s["res_op_y_str"] > 1 else 1
    return s.n * s.passes() * lines * s["opd1_h"] * s["opd1_w"] * slow


def _matrix_multiply(s: _Shape) -> int:
    rows = s["opd0_c"] if s["left_tran"] else s["opd0_n"]
    depth = (s["opd0_c"] - 1) * s["opd0_w"] + s["opd1_w"] + s["res_add"]
    if s["opd0_prec"] == ElementType.F32 and not s["opd2_const"]:  # the row of the bias
        depth += 1
    return rows * s.passes() * _up(s.w, s.per_cycle("opd0")) * depth


def _matrix_multiply2(s: _Shape) -> int:
    kind = ElementType(s["opd0_prec"])
    depth = s["opd1_c"] if s["tsk_eu_typ"] == 4 else s["opd1_w"]
    return s.passes() * _up(s.w, FLOAT_POINTS if kind == ElementType.F32 else POINTS) * _up(depth, DEPTH[kind])


def _arithmetic(s: _Shape) -> int:
    has_two = s["tsk_opd_num"] >= 2
    operands = ["res0", "opd0"] + ["opd1"] * has_two
    unit = s.per_cycle(*operands)
    cycles = s.n * s.passes() * _up(s.plane, unit) * max(_stride_factor(s, name, unit) for name in operands)
    if s["tsk_eu_typ"] == DIVISION:
        return cycles * (7 + 8 * ((s["opd2_n_str"] & 3) + 1))
    tensors = [name for name in operands[1:] if not s[f"{name}_const"]]
    if s["tsk_eu_typ"] not in FREE_OPERATIONS and any(s[f"{name}_addr"] == s["res0_addr"] for name in tensors):
        cycles *= 2
    return cycles * 2 if has_two and s["opd0_str"] == s["opd1_str"] == Layout.STRIDED else cycles


def _stride_factor(s: _Shape, operand: str, unit: int) -> int:
    """How much slower an operand with free strides is: the lines that its elements touch per line of work."""
    if s.get(f"{operand}_const", 0) or s[f"{operand}_str"] != Layout.STRIDED:
        return 1
    row, step = s[f"{operand}_h_str"], s[f"{operand}_w_str"]
    if step > 1:
        return min(step, unit)
    is_dense = row < s.w + unit  # rows closer than a line: the whole range is passed over
    lines = _up(s.h * row, unit) if is_dense else s.h * _up(row % unit + s.w, unit)
    return max(1, lines // _up(s.plane, unit))


def _special_function(s: _Shape) -> int:
    operation = s["tsk_eu_typ"]
    steps = s["opd1_n"] if operation in TAYLOR else SPECIAL_FUNCTION_STEPS.get(operation)
    if steps is None:
        raise TpucError(f"there is no estimate for operation {operation} of {s.kind}")
    return s.n * s.passes() * _up(s.plane, s.per_cycle("opd0")) * steps


def _scatter_gather(s: _Shape) -> int:
    operation = s["tsk_eu_typ"]
    if operation not in SCATTER_GATHER_FACTOR:
        return 1
    return int(s.n * s.passes() * s["opd1_w" if operation >= 13 else "res0_w"] * SCATTER_GATHER_FACTOR[operation])


def _transpose(s: _Shape) -> int:
    unit, lines = s.per_cycle("res0"), _up(s.plane, s.per_cycle("res0"))
    operation, n = s["tsk_eu_typ"], s.n or 1
    c, h, w = s.c or 1, s.h or 1, s.w or 1
    if operation in (0, 1):
        return n * h * _up(w if operation else c, unit)
    if operation == 5:
        return _up(c, unit)
    return n * lines * {2: c, 3: s.passes() * s.bank_clash(), 4: 1}.get(operation, 1)


_TIU_CYCLES: dict[str, TiuCycles] = {
    "CONV": _convolution,
    "PorD": _pooling,
    "MM": _matrix_multiply,
    "MM2": _matrix_multiply2,
    "AR": _arithmetic,
    "SFU": _special_function,
    "SG": _scatter_gather,
    "TRANSBC": _transpose,
    "SYSID": lambda s: 0,
    "RQDQ": lambda s: s.n * s.passes() * _up(s.plane, 16) * s.bank_clash(),
    "CMP": lambda s: 2 * s.n * s.passes() * _up(s.plane, s.per_cycle("opd0")),
    "SGL": lambda s: 2 * s.n * s.passes() * s.h * _up(s.w, s.per_cycle("res0")),
    "LIN": lambda s: s.n * s.passes() * _up(s.plane, s.per_cycle("res0")),
    "VC": lambda s: s["opd0_c"] * s.passes() * _up(s["opd0_w"] * s.w, s.per_cycle("res0", "opd0", "opd1")),
}


def tiu_cycles(command: Command) -> int:
    """Cycles of a TIU command. TpucError for a form without an estimate (LAR, SEG)."""
    shape = _Shape(command)
    formula = _TIU_CYCLES.get(shape.kind)
    if formula is None:
        raise TpucError(f"there is no estimate for {command.form}")
    return formula(shape)


@dataclass(frozen=True)
class Span:
    """When a command runs: first cycle, and the cycle after its last."""

    start: int
    end: int


def schedule(
    tiu: Sequence[tuple[int, int, int]], gdma: Sequence[tuple[int, int, int]]
) -> tuple[list[Span], list[Span]]:
    """Start and end of every command of a group; each engine's are (id, id of the other engine's waited for, cycles).

    A command starts when its engine is free and the one waited for has ended. TpucError for a deadlock.
    """
    queues, spans = (list(tiu), list(gdma)), ([], [])
    ends: tuple[dict[int, int], dict[int, int]] = ({0: 0}, {0: 0})
    last = [0, 0]
    while any(len(done) < len(queue) for done, queue in zip(spans, queues)):
        moved = False
        for engine, other in ((0, 1), (1, 0)):
            while len(spans[engine]) < len(queues[engine]):
                cmd_id, wait, cycles = queues[engine][len(spans[engine])]
                if wait not in ends[other]:
                    break
                start = max(ends[engine][last[engine]], ends[other][wait])
                ends[engine][cmd_id], last[engine], moved = start + cycles, cmd_id, True
                spans[engine].append(Span(start, start + cycles))
        if not moved:
            raise TpucError("deadlock: both engines wait for commands that never end")
    return spans
