"""The calibration table: for every tensor a threshold, a minimum and a maximum, one line each, in the order of the model.

Behind them, in lines that are comments for the vendor's tools, the mean input of each channel of filters, by the name of the op.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file, whole_file

# A threshold that is no positive number is written as this one.
SMALLEST_THRESHOLD = 1e-5
FLOAT32_MAX = 3.4028234663852886e38
# Plain decimals only: the vendor's reader ignores a line with an exponent, silently.
_NUMBER = re.compile(r"-?\d+(\.\d*)?$|-?\.\d+$")
MEANS = "#input_mean"
MEANS_A_LINE = 128
_OTHER_SECTIONS = ("#int4_th", "#asym_op", "# symmetric_op")


@dataclass(frozen=True)
class CalibrationRow:
    """What calibration found about one tensor."""

    threshold: float
    minimum: float
    maximum: float


@dataclass
class CalibrationTable:
    """Rows by tensor name. `header`: comment lines for the top of the file, without their `# `. `means`: mean inputs of the channels of
    filters, float64, by the name of the op's result."""

    rows: dict[str, CalibrationRow] = field(default_factory=dict)
    header: list[str] = field(default_factory=list)
    means: dict[str, np.ndarray] = field(default_factory=dict)

    def __getitem__(self, name: str) -> CalibrationRow:
        return self.rows[name]

    def __contains__(self, name: object) -> bool:
        return name in self.rows

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    @classmethod
    def read(cls, path: str | Path) -> CalibrationTable:
        """The table in a file, ours or the vendor's. Raises TpucError that names file and line."""
        path = existing_file(path)
        table = cls()
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise TpucError(f'"{path}" is not a calibration table: byte {error.start} is not UTF-8') from error
        means: dict[str, list[float]] = {}
        for number, line in enumerate(lines, 1):
            if line.strip().startswith(_OTHER_SECTIONS):
                break
            if line.startswith(f"{MEANS} "):
                name, values = _parsed_means(line, f"{path}:{number}")
                means.setdefault(name, []).extend(values)
            elif line.startswith("#"):
                table.header.append(line.lstrip("#").strip())
            elif line.strip():
                name, row = _parsed(line, f"{path}:{number}")
                table.rows[name] = row
        table.means = {name: np.array(values, np.float64) for name, values in means.items()}
        return table

    def write(self, path: str | Path) -> None:
        """Write the table as the vendor's tools read it. Raises TpucError where it cannot be written."""
        lines = [f"# {line}" if line != "##" else "###" for line in self.header]
        if not any("op_name" in line for line in self.header):
            lines += ["###", "# op_name    threshold    min    max"]
        lines += [_line(name, row) for name, row in self.rows.items()]
        lines += [line for name, means in self.means.items() for line in _lines_of_means(name, means)]
        with whole_file(path) as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _parsed(line: str, place: str) -> tuple[str, CalibrationRow]:
    words = line.split()
    if len(words) != 4:
        raise TpucError(f"{place}: a line of {len(words)} words where a name and three numbers are wanted: {line.strip()}")
    name, *numbers = words
    for number in numbers:
        if not _NUMBER.match(number):
            raise TpucError(f'{place}: "{number}" of "{name}" is not a plain decimal number such as 0.0000123')
        if abs(float(number)) > FLOAT32_MAX:
            raise TpucError(f'{place}: "{number}" of "{name}" is beyond float32')
    threshold, minimum, maximum = map(float, numbers)
    if threshold < 0:
        raise TpucError(f'{place}: the threshold "{numbers[0]}" of "{name}" is below 0')
    if minimum > maximum:
        raise TpucError(f'{place}: the minimum {minimum} of "{name}" is above its maximum {maximum}')
    return name, CalibrationRow(threshold, minimum, maximum)


def _parsed_means(line: str, place: str) -> tuple[str, list[float]]:
    _, *words = line.split()
    try:
        name, values = words[0], [float(word) for word in words[1:]]
    except (IndexError, ValueError) as error:
        raise TpucError(f'{place}: after "{MEANS}" a name and numbers are wanted: {line.strip()}') from error
    if not np.isfinite(values).all():
        raise TpucError(f'{place}: a mean input of "{name}" is not finite')
    return name, values


def _lines_of_means(name: str, means: np.ndarray) -> Iterator[str]:
    """Six digits of each: the shift of a bias is a sum of small parts of them."""
    for first in range(0, means.size, MEANS_A_LINE):
        yield " ".join([MEANS, name, *(f"{mean:.6g}" for mean in means[first : first + MEANS_A_LINE].tolist())])


def _line(name: str, row: CalibrationRow) -> str:
    if len(name.split()) != 1:
        raise TpucError(f'tensor name "{name}" cannot stand in a calibration table: it has blanks')
    if name.startswith("#"):
        raise TpucError(f'tensor name "{name}" cannot stand in a calibration table: lines that begin with # are comments')
    threshold = row.threshold if row.threshold > SMALLEST_THRESHOLD else SMALLEST_THRESHOLD
    return f"{name} {threshold:.7f} {row.minimum:.7f} {row.maximum:.7f}"


def rows_of(ranges: Iterable[tuple[str, float, float, float]]) -> dict[str, CalibrationRow]:
    """Rows out of (name, threshold, minimum, maximum)."""
    return {name: CalibrationRow(threshold, low, high) for name, threshold, low, high in ranges}
