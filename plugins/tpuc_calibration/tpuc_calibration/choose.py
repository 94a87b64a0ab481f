"""From gathered statistics to thresholds: by one method, by the best of all for each tensor, and tuned."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tpuc_calibration.consumers import best_of, consumer_errors
from tpuc_calibration.methods import AUTO, threshold_method, threshold_methods
from tpuc_calibration.outputs import Score, Target, float_outputs, quantized_score
from tpuc_calibration.partial import Partial
from tpuc_calibration.tune import Thresholds, Tuned, tune
from tpuc_core.parallel import Workers
from tpuc_core.passes.calibration_table import CalibrationTable

AUTO_SAMPLES = 8
"""Of the calibration samples, on how many `auto` compares the methods."""


def chosen(partial: Partial, method: str, percent: float, workers: Workers) -> Thresholds:
    """Thresholds by a method, or by `auto`. Raises TpucError for an unknown method."""
    if method != AUTO:
        return _by(partial, method, percent)
    by_method = _all(partial, percent)
    candidates = {name: list(dict.fromkeys(found[name] for found in by_method)) for name in partial.tensors}
    samples = _spread(sorted(partial.run.samples))
    errors = consumer_errors(partial.run.mlir, candidates, _signed(partial), samples, workers, "auto")
    return best_of(candidates, errors)


def _spread(samples: Sequence[str]) -> Sequence[str]:
    """AUTO_SAMPLES of the samples, evenly spread over them."""
    return samples[:: max(1, len(samples) // AUTO_SAMPLES)][:AUTO_SAMPLES]


def tuned(partial: Partial, thresholds: Thresholds, samples: Sequence[str], workers: Workers,
          table: Callable[[Thresholds], CalibrationTable], chip: str) -> Tuned:
    """The thresholds refined over samples, judged by the outputs of the model quantized for the chip. Raises TpucError
    where the chip cannot run the model."""
    items = float_outputs(partial.run.mlir, samples, workers)

    def judge(trial: Thresholds) -> Score:
        return quantized_score(partial.run.mlir, table(trial), Target(chip), items, workers)

    others = _all(partial, 99.99)
    return tune(partial.run.mlir, partial.tensors, thresholds, others, samples, workers, judge)


def _by(partial: Partial, method: str, percent: float) -> Thresholds:
    function = threshold_method(method, percent)
    return {name: function(statistics) for name, statistics in partial.tensors.items()}


def _all(partial: Partial, percent: float) -> list[Thresholds]:
    return [_by(partial, name, percent) for name in threshold_methods()]


def _signed(partial: Partial) -> frozenset[str]:
    return frozenset(name for name, statistics in partial.tensors.items() if statistics.is_signed)
