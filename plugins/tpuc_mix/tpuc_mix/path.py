"""From nothing to everything in the high precision, the best bargain first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tpuc_core.plan import Precision
from tpuc_mix.causes import FORMATS, Cause
from tpuc_mix.costs import Costs
from tpuc_mix.noise import Noise
from tpuc_mix.task import Choice

LONGEST = 12
"""Ops in one move. A single op in float pays two casts, and what it reads and writes is still rounded to 8 bits; runs of ops do not."""


@dataclass(frozen=True)
class Point:
    """A choice, with what is expected of it: noise power on the outputs, and cycles."""

    choice: Choice
    noise: float
    cycles: int


class Landscape:
    """Noise.total and Costs.estimate of many choices at a time: which of the `movable` ops run in `high`."""

    def __init__(self, noise: Noise, costs: Costs, movable: Sequence[str], high: Precision):
        graph, ops = noise.graph, noise.graph.ops
        self.ops, self.high = ops, high
        self._column = {name: i for i, name in enumerate(ops)}
        self._base_low = np.array([noise.plan.ops[name].precision is noise.low for name in ops])
        self._tensors = [name for name in dict.fromkeys([*graph.tensors, *costs.casts]) if name in graph.reads or name in graph.readers]
        self._low_powers = np.array([_power(noise, name, Cause.CLIPPING, Cause.ROUNDING) for name in self._tensors])
        self._made_low = self._matrix({name: low_makers(noise, name) for name in self._tensors})
        self._weights = np.array([_power(noise, name, Cause.WEIGHTS) for name in ops])
        self._format = np.array([_power(noise, name, FORMATS[high]) if high in FORMATS else 0.0 for name in ops])
        self._read = self._matrix(graph.readers)
        self._maker = self._matrix({name: {name} for name in self._tensors if name in graph.reads})
        low_cycles, high_cycles = costs.ops[noise.low], costs.ops[high]
        self._low_cycles = np.array([low_cycles.get(name, 0) for name in ops])
        self._high_cycles = np.array([high_cycles.get(name, 0) for name in ops])
        self._casts = np.array([costs.casts.get(name, 0) for name in self._tensors])
        self._leaves = np.array([name in set(costs.outputs) for name in self._tensors])
        self._is_real = np.array([name not in graph.reads for name in self._tensors])

    def _matrix(self, sets: Mapping[str, set[str]]) -> np.ndarray:
        """Which ops belong to which tensor, as 0 and 1 [ops, tensors]."""
        matrix = np.zeros((len(self.ops), len(self._tensors)), np.float32)
        for j, tensor in enumerate(self._tensors):
            for op in sets.get(tensor, ()):
                matrix[self._column[op], j] = 1
        return matrix

    def mask(self, names: Sequence[str]) -> np.ndarray:
        """Ops by name as a row for `evaluate`."""
        row = np.zeros(len(self.ops), bool)
        row[[self._column[name] for name in names]] = True
        return row

    def evaluate(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Noise and cycles of choices, bool [n, ops] -> float [n], int [n]."""
        low = self._base_low & ~chosen
        rest = ~(low | chosen)
        noise = ((low @ self._made_low) > 0) @ self._low_powers + low @ self._weights + chosen @ self._format
        if self.high is Precision.F32:
            chosen, kinds = chosen | rest, [low, chosen | rest]
        else:
            kinds = [low, chosen, rest]
        casts = np.zeros((len(low), len(self._tensors)))
        for kind in kinds:
            is_real = kind is kinds[-1]  # model inputs and outputs are reals
            reads = (kind @ self._read) > 0
            makes = (kind @ self._maker) > 0
            if is_real:
                reads, makes = reads | self._leaves, makes | self._is_real
            casts += reads & ~makes
        cycles = low @ self._low_cycles + ~low @ self._high_cycles + casts @ self._casts
        return noise, cycles.astype(np.int64)


def low_makers(noise: Noise, name: str) -> set[str]:
    """The ops of which one in the low precision is enough for the tensor to be of 8 bits somewhere: it is made so, or read so,
    or an op that only moves its values is."""
    graph = noise.graph
    found = {name} & graph.reads.keys() | graph.readers.get(name, set())
    for mover, sources in graph.moved.items():
        if name in sources:
            found |= low_makers(noise, mover)
    return found


def _power(noise: Noise, name: str, *causes: Cause) -> float:
    return sum(noise.powers.get((name, cause), 0.0) for cause in causes)


def greedy_path(noise: Noise, costs: Costs, movable: Sequence[str], high: Precision) -> list[Point]:
    """Points of growing choices, from none to all. Each step takes the run of neighbours (at most LONGEST, in the order
    of the model) that removes most noise for each cycle that it adds."""
    land = Landscape(noise, costs, movable, high)
    chosen = land.mask([])
    path = [chosen]
    while chosen.sum() < len(movable):
        steps = _steps(chosen, [land.mask([name]) for name in movable])
        powers, cycles = land.evaluate(np.array([chosen, *steps]))
        worth = _worth(powers[0] - powers[1:], cycles[1:] - cycles[0], powers[0], cycles[0])
        chosen = steps[int(worth.argmax())]
        path.append(chosen)
    powers, cycles = land.evaluate(np.array(path))
    names = np.array(land.ops, object)
    return [Point(dict.fromkeys(names[row], high), float(p), int(c)) for row, p, c in zip(path, powers, cycles)]


def _steps(chosen: np.ndarray, single: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What may be chosen next: every run of ops that begins and ends with one that is not chosen, or all that is left."""
    is_left = [not (chosen & op).any() for op in single]
    steps = []
    for start in range(len(single)):
        run = chosen
        for stop in range(start, min(start + LONGEST, len(single)) if is_left[start] else start):
            run = run | single[stop]
            if is_left[stop]:
                steps.append(run)
    return [*steps, np.logical_or.reduce(single)]


def _worth(gains: np.ndarray, prices: np.ndarray, noise: float, cycles: int) -> np.ndarray:
    """Noise removed for each cycle. What costs nothing comes first, what gains nothing last."""
    relative = gains / max(noise, 1e-30) - prices / max(cycles, 1)
    is_free = (gains >= 0) & (prices <= 0)
    return np.where(is_free, 1e9 * (1 + relative), np.where(gains <= 0, relative - 1e9, gains / np.maximum(prices, 1)))


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """The points that no other one beats, cheapest first; at most `most`, about equally far apart in cycles."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (p.cycles, p.noise)):
        if not kept or point.noise < kept[-1].noise:
            kept.append(point)
    if len(kept) <= most:
        return kept
    span = (kept[-1].cycles - kept[0].cycles) / (most - 1)
    chosen = [kept[0]]
    for point in kept[1:-1]:
        if point.cycles - chosen[-1].cycles >= span and len(chosen) < most - 1:
            chosen.append(point)
    return [*chosen, kept[-1]]
