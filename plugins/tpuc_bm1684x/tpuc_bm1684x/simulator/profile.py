"""What a net costs: cycles and bytes of every command, summed by engine and operation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from tpuc_bm1684x.simulator.decode import Group
from tpuc_bm1684x.simulator.timing import CLOCK_HZ, schedule, tiu_cycles
from tpuc_bm1684x.simulator.timing_dma import gdma_cycles, moved_bytes


@dataclass(frozen=True)
class CommandCost:
    """A command: when it runs within its group, its cycles, the bytes that it moves (GDMA only)."""

    group: int
    engine: str
    cmd_id: int
    form: str
    operation: str
    start_cycle: int
    cycles: int
    moved_bytes: int


@dataclass(frozen=True)
class OperationCost:
    """All commands of one operation."""

    engine: str
    form: str
    operation: str
    commands: int
    cycles: int
    moved_bytes: int


@dataclass(frozen=True)
class Profile:
    """Costs of a net; groups run one after the other, the two engines of a group at the same time."""

    commands: list[CommandCost]
    total_cycles: int

    @classmethod
    def of(cls, groups: list[Group]) -> Profile:
        """The costs of decoded command groups. TpucError for commands without an estimate."""
        costs: list[CommandCost] = []
        total = 0
        for group in groups:
            entries = (group.tiu, group.gdma)
            cycles = ([tiu_cycles(e.command) for e in group.tiu], [gdma_cycles(e.command) for e in group.gdma])
            lists = [
                [(e.cmd_id, e.command.values().get("cmd_id_dep", 0), count) for e, count in zip(*pair)]
                for pair in zip(entries, cycles)
            ]
            spans = schedule(*lists)
            for engine_entries, engine_spans in zip(entries, spans):
                for entry, span in zip(engine_entries, engine_spans):
                    moved = moved_bytes(entry.command) if entry.engine == "gdma" else 0
                    costs.append(
                        CommandCost(
                            group.index,
                            entry.engine,
                            entry.cmd_id,
                            entry.command.form,
                            entry.command.operation,
                            total + span.start,
                            span.end - span.start,
                            moved,
                        )
                    )
            total += max((span.end for engine_spans in spans for span in engine_spans), default=0)
        return cls(costs, total)

    def by_operation(self) -> list[OperationCost]:
        """Sums, the most expensive operation of each engine first."""
        sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for cost in self.commands:
            row = sums[cost.engine, cost.form, cost.operation]
            row[0] += 1
            row[1] += cost.cycles
            row[2] += cost.moved_bytes
        rows = [OperationCost(*key, *values) for key, values in sums.items()]
        return sorted(rows, key=lambda row: (row.engine != "tiu", -row.cycles, row.form, row.operation))

    def engine_cycles(self, engine: str) -> int:
        """Cycles in which the engine works."""
        return sum(cost.cycles for cost in self.commands if cost.engine == engine)

    def table(self) -> str:
        """The sums as text, with the total and how busy each engine is."""
        from tabulate import tabulate

        rows = [
            [row.engine, row.form, row.operation, row.commands, row.cycles, row.moved_bytes or ""]
            for row in self.by_operation()
        ]
        for engine in ("tiu", "gdma"):
            mine = [cost for cost in self.commands if cost.engine == engine]
            rows.append(
                [engine, "", "all", len(mine), self.engine_cycles(engine), sum(c.moved_bytes for c in mine) or ""]
            )
        text = tabulate(rows, ["engine", "form", "operation", "commands", "cycles", "bytes"], tablefmt="simple")
        milliseconds = self.total_cycles * 1000 / CLOCK_HZ
        total = f"total {self.total_cycles} cycles, {milliseconds:.3f} ms at {CLOCK_HZ // 1_000_000} MHz (an estimate)"
        return f"{text}\n{total}"
