"""Tuning of thresholds: proposals by the error at the consumers of each tensor, kept where the outputs agree.

The error at a consumer is cheap to measure and speaks of one tensor only; the outputs of the quantized model say what
it is worth. So proposals are tried together, in the chip's arithmetic, and where they do not help, each half of them
by itself, and so on.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tpuc_calibration.consumers import Errors, best_of, consumer_errors
from tpuc_calibration.outputs import Score, decibel
from tpuc_calibration.statistics import TensorStatistics
from tpuc_core.files import whole_file
from tpuc_core.parallel import Workers

FACTORS = tuple(2 ** (k / 8) for k in range(-8, 5))
"""Of the present threshold: half of it to 1.4 times it."""
LEAST_GAIN = 0.02
"""In decibel: a smaller one is not proposed."""
MOST_TRIALS = 24
"""How many tables are measured at the outputs."""

Thresholds = dict[str, float]
Judge = Callable[[Thresholds], Score]


@dataclass(frozen=True)
class Change:
    """One proposal: thresholds and relative square errors at the consumers, before and after."""

    tensor: str
    before: float
    after: float
    error_before: float
    error_after: float

    @property
    def gain(self) -> float:
        """In decibel."""
        return decibel(self.error_after) - decibel(self.error_before)


@dataclass
class Tuned:
    """The result: thresholds, all proposals, which of them were kept, and the scores at the outputs."""

    thresholds: Thresholds
    changes: list[Change]
    kept: set[str]
    before: Score
    after: Score
    trials: int = 0


def candidates_of(statistics: Mapping[str, TensorStatistics], thresholds: Thresholds,
                  others: Sequence[Thresholds] = ()) -> dict[str, list[float]]:
    """Thresholds to try for each tensor that has values: the present one first, then those around it and those of other
    methods, none above the largest magnitude."""
    found = {}
    for name, present in thresholds.items():
        if present > 0:
            most = max(statistics[name].magnitude, present)
            tried = [min(present * factor, most) for factor in FACTORS]
            tried += [other[name] for other in others if other[name] > 0]
            found[name] = list(dict.fromkeys([present, *sorted(tried)]))
    return found


def proposals(thresholds: Thresholds, candidates: Mapping[str, Sequence[float]], errors: Errors) -> list[Change]:
    """The changes that gain something at the consumers, in the order of the model."""
    best = best_of(candidates, errors)
    changes = [Change(name, thresholds[name], best[name], errors[name][0], min(errors[name])) for name in candidates]
    return [change for change in changes if change.gain > LEAST_GAIN]


@dataclass
class _Search:
    """Which proposals to keep."""

    judge: Judge
    thresholds: Thresholds
    score: Score
    kept: set[str] = field(default_factory=set)
    trials: int = 1

    def keep(self, changes: Sequence[Change]) -> None:
        """Try them together; where that does not help, each half by itself."""
        if not changes or self.trials >= MOST_TRIALS:
            return
        changed = {**self.thresholds, **{change.tensor: change.after for change in changes}}
        score = self.judge(changed)
        self.trials += 1
        if score.is_better_than(self.score):
            self.thresholds, self.score = changed, score
            self.kept |= {change.tensor for change in changes}
        elif len(changes) > 1:
            half = len(changes) // 2
            self.keep(changes[:half])
            self.keep(changes[half:])


def select(thresholds: Thresholds, changes: Sequence[Change], judge: Judge) -> Tuned:
    """The proposals that make the outputs better. `judge` scores the outputs for given thresholds."""
    before = judge(thresholds)
    search = _Search(judge, thresholds, before)
    search.keep(changes)
    return Tuned(search.thresholds, list(changes), search.kept, before, search.score, search.trials)


def tune(mlir: str, statistics: Mapping[str, TensorStatistics], thresholds: Thresholds, others: Sequence[Thresholds],
         samples: Sequence[str], workers: Workers, judge: Judge) -> Tuned:
    """Refine thresholds over samples. Raises TpucError."""
    candidates = candidates_of(statistics, thresholds, others)
    signed = frozenset(name for name, s in statistics.items() if s.is_signed)
    errors = consumer_errors(mlir, candidates, signed, samples, workers, "tune")
    return select(thresholds, proposals(thresholds, candidates, errors), judge)


HEADERS = ("tensor", "threshold", "tuned", "dB at consumers", "dB tuned", "gain", "kept")


def rows(tuned: Tuned) -> list[tuple[str, ...]]:
    """What each tensor gained, for people."""
    return [
        (c.tensor, f"{c.before:.7f}", f"{c.after:.7f}",
         f"{decibel(c.error_before):.2f}", f"{decibel(c.error_after):.2f}", f"{c.gain:+.2f}", "yes" if c.tensor in
         tuned.kept else "no") for c in tuned.changes ]


def summary(tuned: Tuned, sample_count: int) -> str:
    """The outcome in one line."""
    return (f"tune: {len(tuned.kept)} of {len(tuned.changes)} proposals kept after {tuned.trials} trials on "
            f"{sample_count} samples; "
            f"outputs {tuned.before.decibel:.2f} dB, cosine {tuned.before.cosine:.6f} -> "
            f"{tuned.after.decibel:.2f} dB, cosine {tuned.after.cosine:.6f}")


def write_report(path: str | Path, tuned: Tuned) -> None:
    """The table as CSV. Raises TpucError where it cannot be written."""
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADERS)
        writer.writerows(rows(tuned))
