"""From statistics to a calibration table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tpuc_calibration.statistics import TensorStatistics
from tpuc_calibration.thresholds import HISTOGRAM_BINS
from tpuc_core.passes.calibration_table import CalibrationTable, rows_of

Method = Callable[[TensorStatistics], float]


def calibration_table(statistics: Mapping[str, TensorStatistics], method: Method, header: list[str]) -> CalibrationTable:
    """Threshold, minimum and maximum of every tensor, in the order of `statistics`."""
    return CalibrationTable(rows_of((name, method(s), s.minimum, s.maximum) for name, s in statistics.items()), header)


def header_lines(model_name: str, method: str, sample_count: int) -> list[str]:
    """What a table says about itself: no time stamp, so the same samples give the same file."""
    return ["tpuc calibration table 1.0", f"model: {model_name}", f"threshold method: {method}",
            f"histogram number: {HISTOGRAM_BINS}", f"sample number: {sample_count}", "##",
            "op_name    threshold    min    max"]


def write_calibration_table(path: str | Path, model_name: str, statistics: Mapping[str, TensorStatistics], method: Method,
                            method_name: str, sample_count: int) -> None:
    """Write the table. Raises TpucError where the file cannot be written."""
    calibration_table(statistics, method, header_lines(model_name, method_name, sample_count)).write(path)
