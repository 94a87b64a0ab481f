"""The search: noise, a path of choices by expected noise and cycles, and measurements where they decide."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tpuc_core.plan import Precision
from tpuc_mix.costs import Costs
from tpuc_mix.measure import Measurer
from tpuc_mix.noise import Noise
from tpuc_mix.path import Point, greedy_path, thinned
from tpuc_mix.task import Choice, Task

STEPS = 40
"""Points of the path that a bisection chooses among."""


@dataclass(frozen=True)
class Measured:
    """A choice with its measured figure and cycles, beside the noise that was expected."""

    point: Point
    value: float
    cycles: int

    @property
    def choice(self) -> Choice:
        return self.point.choice


@dataclass
class Result:
    """All that was measured, cheapest first; `limit`: what the figure must reach; `of_float`: that of the float model."""

    measured: list[Measured]
    limit: float
    of_float: float

    @property
    def best(self) -> Measured | None:
        """The cheapest one that reaches the goal."""
        return next((m for m in self.measured if m.value >= self.limit), None)

    @property
    def front(self) -> list[Measured]:
        """Those that no other one beats in both cycles and figure."""
        front: list[Measured] = []
        for m in self.measured:
            if not front or m.value > front[-1].value:
                front.append(m)
        return front


def candidates(task: Task, noise: Noise, highs: Sequence[Precision]) -> list[Point]:
    """Nothing chosen, and the best choices by expectation with each of the high modes, cheapest first."""
    costs = Costs.of(task, highs)
    points = [point for high in highs for point in greedy_path(noise, costs, task.movable(high), high)]
    nothing, best = points[0], thinned(points, STEPS)
    return [nothing, *(point for point in best if point.choice)]


def search(points: Sequence[Point], measurer: Measurer, budget: int, tell: Callable[[Measured], None] = lambda measured: None) -> Result:
    """Bisect the points for the cheapest that reaches the goal, then measure others between, up to `budget` in all.

    Figures of neighbouring points may be in the wrong order where few samples decide; the best of what was measured is
    taken, not the last one of the bisection.
    """
    found: dict[int, Measured] = {}

    def at(index: int) -> Measured:
        if index not in found:
            point = points[index]
            found[index] = Measured(point, measurer.value(point.choice, f"{len(point.choice)} ops"), measurer.cycles(point.choice))
            tell(found[index])
        return found[index]

    low, high = 0, len(points) - 1
    if len(points) > 1 and points[1].cycles < points[0].cycles:
        at(1)  # float is cheaper somewhere
    if at(low).value < measurer.limit and at(high).value >= measurer.limit:
        while high - low > 1 and len(found) < budget:
            middle = (low + high) // 2
            low, high = (low, middle) if at(middle).value >= measurer.limit else (middle, high)
    while len(found) < min(budget, len(points)):
        at(_widest_gap(sorted(found), len(points)))
    measured = sorted(found.values(), key=lambda m: (m.cycles, -m.value))
    return Result(measured, measurer.limit, measurer.of_float)


def _widest_gap(known: Sequence[int], count: int) -> int:
    """A point in the middle of the longest stretch without one."""
    ends = [-1, *known, count]
    start, stop = max(itertools.pairwise(ends), key=lambda pair: pair[1] - pair[0])
    return (start + stop) // 2
