"""The result of a search as table, CSV, picture, and quantization table."""

from __future__ import annotations

import csv
import math
from collections import Counter
from pathlib import Path

from tpuc_core.files import whole_file
from tpuc_core.plan import Precision
from tpuc_core.quantization_table import write_quantization_table
from tpuc_mix.search import Measured, Result
from tpuc_mix.task import Choice, Task

HEADERS = ("ops", "expected noise", "figure", "cycles", "cycles / all low", "")


def decibels(noise: float) -> float:
    """A relative noise power as dB, infinite for none."""
    return 10 * math.log10(noise) if noise > 0 else -math.inf


def words_of(choice: Choice, low: Precision) -> str:
    """How many ops run in which high mode: "12 F16"."""
    counts = Counter(str(precision) for precision in choice.values())
    return ", ".join(f"{count} {mode}" for mode, count in sorted(counts.items())) or f"all {low}"


def rows(result: Result, low: Precision) -> list[tuple[str, str, str, str, str, str]]:
    """A row for each measured choice, cheapest first; the front and the chosen one are marked."""
    base = next((m.cycles for m in result.measured if not m.choice), result.measured[0].cycles)
    front, best = result.front, result.best
    return [(words_of(m.choice, low), f"{decibels(m.point.noise):.1f} dB", f"{m.value:.6g}", f"{m.cycles:,}", f"{m.cycles / base:.3f}",
             "chosen" if m is best else "front" if m in front else "") for m in result.measured]


def table(result: Result, low: Precision) -> str:
    from tabulate import tabulate

    return tabulate(rows(result, low), headers=HEADERS, disable_numparse=True, colalign=("left", *["right"] * 4, "left"))


def write_csv(path: Path, result: Result) -> None:
    """Every measured choice: ops, expected noise power, figure, cycles, whether it is on the front, whether it is chosen, the ops."""
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["op_count", "expected_noise", "figure", "cycles", "is_front", "is_chosen", "ops"])
        for m in result.measured:
            ops = " ".join(f"{name}={precision}" for name, precision in m.choice.items())
            writer.writerow([len(m.choice), f"{m.point.noise:.6g}", f"{m.value:.9g}", m.cycles, int(m in result.front), int(m is result.best), ops])


def write_png(path: Path, result: Result, title: str, figure: str) -> None:
    """Figure over cycles: every measured choice, the front as a line, the goal, the float model."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    picture = Figure(figsize=(7, 4.5), layout="constrained")
    axes = picture.add_subplot()
    axes.scatter([m.cycles for m in result.measured], [m.value for m in result.measured], color="tab:gray", label="measured")
    axes.plot([m.cycles for m in result.front], [m.value for m in result.front], "o-", color="tab:blue", label="front")
    if result.best is not None:
        axes.plot(result.best.cycles, result.best.value, "*", markersize=16, color="tab:red", label=f"chosen: {len(result.best.choice)} ops")
    axes.axhline(result.limit, linestyle="--", color="tab:green", label="goal")
    axes.axhline(result.of_float, linestyle=":", color="black", label="float")
    axes.ticklabel_format(useOffset=False, style="plain")
    axes.set(xlabel="simulated cycles", ylabel=figure, title=title)
    axes.legend()
    FigureCanvasAgg(picture)
    with whole_file(path) as temporary:
        picture.savefig(temporary, dpi=120, format="png", metadata={"Software": None})


def write_qtable(path: Path, task: Task, chosen: Measured, goal: str) -> None:
    """The chosen ops for --quantize_table, with the structure of the model."""
    symmetry = "asymmetric: deploy with --asymmetric" if task.is_asymmetric else "symmetric"
    header = ["tpuc search: ops that run in another mode", f"model: {task.top.name}", f"calibration table: {task.table.name}",
              f"other ops: {task.low} {symmetry}", f"goal: {goal}",
              f"measured: {chosen.value:.6g}, {chosen.cycles} cycles"]
    write_quantization_table(path, task.top, chosen.choice, header)
