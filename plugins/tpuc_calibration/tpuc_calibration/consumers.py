"""What a threshold does to the ops that read the tensor: the error of their results when only that tensor is
quantized."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tpuc_core.deploy import load_inputs_of
from tpuc_core.errors import TpucError
from tpuc_core.evaluate.evaluator import Evaluator, Operands, Step
from tpuc_core.images import absolute_sample
from tpuc_core.ir import load_model
from tpuc_core.parallel import Workers
from tpuc_core.progress import progress

Candidates = Mapping[str, Sequence[float]]
Errors = dict[str, list[float]]
ResultsOf = Callable[[np.ndarray], Sequence[np.ndarray]]
"""Of one operand of an op, the others being fixed, to its results."""


def quantized(array: np.ndarray, threshold: float, *, is_signed: bool) -> np.ndarray:
    """The array as 8 bits hold it: -128 .. 127 steps of threshold / 127, or 0 .. 255 of threshold / 255."""
    scale = np.float32(threshold / (127 if is_signed else 255))
    if not scale:
        return np.zeros_like(array)
    steps = np.rint(array / scale)
    np.clip(steps, *((-128, 127) if is_signed else (0, 255)), out=steps)
    steps *= scale
    return steps


@dataclass(frozen=True)
class ConsumerErrors:
    """Work: for one sample, of each tensor and each of its candidate thresholds, the square error of the results of
    the ops that read it, relative to the squares of these results; that of the tensor itself where none does. Summed
    over ops.

    candidates: (name, thresholds) of each tensor; signed: the names of those with negative values.
    """

    mlir: str
    candidates: tuple[tuple[str, tuple[float, ...]], ...]
    signed: frozenset[str]
    is_thread_safe: bool = True

    def open(self) -> Callable[[str], Errors]:
        """Load the model. Raises TpucError."""
        model = load_model(self.mlir)
        evaluator, candidates = Evaluator(model), dict(self.candidates)
        read = {name for step in evaluator.steps for _, name in step.activations}

        def measure(sample: str) -> Errors:
            errors: Errors = {name: [0.0] * len(thresholds) for name, thresholds in candidates.items()}

            def add(name: str, reference: Sequence[np.ndarray], results_of: ResultsOf, array: np.ndarray) -> None:
                for i, threshold in enumerate(candidates.get(name, ())):
                    rounded = quantized(array, threshold, is_signed=name in self.signed)
                    errors[name][i] += _error_of(results_of, rounded, reference)

            def watch(step: Step, operands: Operands, results: list[np.ndarray]) -> None:
                for place, name in step.activations:
                    def with_operand(array: np.ndarray, place: int = place) -> Sequence[np.ndarray]:
                        return step.apply([*operands[:place], array, *operands[place + 1 :]])

                    add(name, results, with_operand, operands[place])  # type: ignore[arg-type]

            def unread(name: str, array: np.ndarray) -> None:
                if name not in read:
                    add(name, [array], lambda found: [found], array)

            evaluator.run(load_inputs_of(model, sample.split(",")), keep=(), callback=unread, watch=watch)
            return errors

        return measure


def _error_of(results_of: ResultsOf, array: np.ndarray, reference: Sequence[np.ndarray]) -> float:
    """The relative error; without bound where the op has no result for such an operand, such as an index out of
    range."""
    try:
        with np.errstate(all="ignore"):
            error = relative_error(results_of(array), reference)
    except TpucError:
        return math.inf
    return error if math.isfinite(error) else math.inf


def relative_error(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> float:
    """The squares of the differences over the squares of what is wanted; 0.0 where that is all zeros."""
    squares = sum(_square_sum(array) for array in wanted)
    return sum(_square_sum(a - b) for a, b in zip(found, wanted)) / squares if squares else 0.0


def _square_sum(array: np.ndarray) -> float:
    flat = array.reshape(-1)
    return float(np.dot(flat, flat))


def consumer_errors(mlir: str, candidates: Candidates, signed: frozenset[str], samples: Sequence[str], workers: Workers,
                    title: str) -> Errors:
    """The mean of those errors over samples, by tensor in the order of the candidates. Neither the order of the
    samples nor the workers change it: the sums are exact."""
    work = ConsumerErrors(mlir, tuple((name, tuple(t)) for name, t in candidates.items()), signed)
    found: dict[str, list[list[float]]] = defaultdict(list)
    for errors in progress(workers.map(work, [absolute_sample(s) for s in samples]), title, len(samples)):
        for name, values in errors.items():
            found[name].append(values)
    return {name: [math.fsum(column) / len(samples) for column in zip(*rows)] for name, rows in found.items()}


def best_of(candidates: Candidates, errors: Errors) -> dict[str, float]:
    """Of each tensor the candidate with the least error, the first one of equals."""
    return {name: thresholds[int(np.argmin(errors[name]))] for name, thresholds in candidates.items()}
