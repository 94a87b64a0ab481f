"""A .cfg is sections of key = value; a .weights file is a header and float32 numbers in the order of the layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file


@dataclass
class Section:
    """`[kind]` and what stands below it."""

    kind: str
    values: dict[str, str] = field(default_factory=dict)

    def number(self, key: str, default: int = 0) -> int:
        """Raises TpucError for what is no integer."""
        text = self.values.get(key, str(default))
        try:
            return int(text)
        except ValueError:
            raise TpucError(f'[{self.kind}] {key}={text}: an integer would be right') from None

    def numbers(self, key: str) -> list[int]:
        return [int(part) for part in self.values.get(key, "").split(",") if part.strip()]


def read_sections(path: Path) -> list[Section]:
    """All sections in order, the first is [net]. Raises TpucError: no such file, a line of another form."""
    sections: list[Section] = []
    for number, line in enumerate(existing_file(path).read_text(encoding="utf-8").splitlines(), 1):
        line = line.partition("#")[0].strip()
        key, is_pair, value = line.partition("=")
        if line.startswith("[") and line.endswith("]"):
            sections.append(Section(line[1:-1]))
        elif is_pair and sections:
            sections[-1].values[key.strip()] = value.strip()
        elif line:
            raise TpucError(f'"{path}" line {number}: "{line}" should be [section] or key=value')
    if not sections or sections[0].kind not in ("net", "network"):
        raise TpucError(f'"{path}" does not begin with [net]')
    return sections


class Numbers:
    """The content of a .weights file, taken from the front."""

    def __init__(self, path: Path):
        data = existing_file(path).read_bytes()
        major, minor = np.frombuffer(data, "<i4", 2)
        header = 20 if major * 10 + minor >= 2 else 16
        self._path, self._left = path, np.frombuffer(data, "<f4", offset=header)

    def take(self, *shape: int) -> np.ndarray:
        """The next numbers. Raises TpucError where the file ends before."""
        count = int(np.prod(shape))
        if count > self._left.size:
            raise TpucError(f'"{self._path}" ends too early: {count} numbers are wanted where {self._left.size} are left')
        taken, self._left = self._left[:count].reshape(shape), self._left[count:]
        return taken.copy()
