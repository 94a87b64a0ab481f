"""From statistics to a calibration table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tpuc_calibration.methods import HISTOGRAM_BINS
from tpuc_calibration.partial import Partial
from tpuc_calibration.statistics import TensorStatistics
from tpuc_core.passes.calibration_table import CalibrationTable, rows_of

Bounds = Callable[[TensorStatistics, float], tuple[float, float]]
"""Minimum and maximum for the table, of a tensor's statistics and its threshold."""


def observed_bounds(statistics: TensorStatistics, threshold: float) -> tuple[float, float]:
    """The least and the greatest value."""
    return statistics.minimum, statistics.maximum


def clipped_bounds(statistics: TensorStatistics, threshold: float) -> tuple[float, float]:
    """The same, but not beyond the threshold."""
    low, high = statistics.minimum, statistics.maximum
    return (low, high) if not threshold else (min(max(low, -threshold), high), max(min(high, threshold), low))


def percentile_bounds(percent: float) -> Bounds:
    """The range without the share 1 - percent / 100 of the values at each end."""
    return lambda statistics, threshold: statistics.range_of(percent / 100)


def calibration_table(partial: Partial, thresholds: Mapping[str, float], header: list[str],
                      bounds: Bounds = observed_bounds) -> CalibrationTable:
    """Threshold, minimum and maximum of every tensor, in the order of the model, and the mean inputs of filters."""
    rows = ((name, thresholds[name], *bounds(s, thresholds[name])) for name, s in partial.tensors.items())
    return CalibrationTable(rows_of(rows), header, partial.input_means)


def header_lines(model_name: str, method: str, sample_count: int, tune_count: int = 0) -> list[str]:
    """What a table says about itself: no time stamp, so the same samples give the same file."""
    tuned = [f"tune number: {tune_count}"] if tune_count else []
    return ["tpuc calibration table 1.0", f"model: {model_name}", f"threshold method: {method}",
            f"histogram number: {HISTOGRAM_BINS}", f"sample number: {sample_count}", *tuned, "##",
            "op_name    threshold    min    max"]
