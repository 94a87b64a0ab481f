"""The npz beside the text: stored (not compressed), names sorted, the same bytes for the same weights; read when wanted."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import cast

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.files import whole_file
from tpuc_core.npz import read_npy

# What a tensor of that storage is in the npz; f16 and bf16 go as their bits.
STORED_DTYPES: dict[str, np.dtype] = {
    "f32": np.dtype(np.float32),
    "f16": np.dtype(np.uint16),
    "bf16": np.dtype(np.uint16),
    "i1": np.dtype(np.int8),
    "i4": np.dtype(np.int8),
    "u4": np.dtype(np.uint8),
    "i8": np.dtype(np.int8),
    "u8": np.dtype(np.uint8),
    "i16": np.dtype(np.int16),
    "u16": np.dtype(np.uint16),
    "i32": np.dtype(np.int32),
    "u32": np.dtype(np.uint32),
    "i64": np.dtype(np.int64),
}

# The least that a zip file can say; a fixed date makes the bytes depend on the content alone.
_DATE = (1980, 1, 1, 0, 0, 0)


class Weights(MutableMapping[str, np.ndarray]):
    """Arrays by name: those of an npz, each read when it is asked for, and those that were set since."""

    def __init__(self, file: Path | None = None):
        self._file = file
        self._arrays: dict[str, np.ndarray | None] = {}
        if file is not None:
            try:
                with zipfile.ZipFile(file) as archive:
                    self._arrays = {name.removesuffix(".npy"): None for name in archive.namelist()}
            except (OSError, zipfile.BadZipFile) as error:
                raise TpucError(f'"{file}" is not an npz file of weights: {error}') from error

    def __getitem__(self, name: str) -> np.ndarray:
        array = self._arrays[name]
        if array is None and self._file is not None:
            array = self._arrays[name] = _read_array(self._file, name)
        return cast(np.ndarray, array)

    def __setitem__(self, name: str, array: np.ndarray) -> None:
        self._arrays[name] = np.asarray(array)

    def __delitem__(self, name: str) -> None:
        del self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def copy(self) -> Weights:
        """Another mapping with the same arrays: setting one there does not change it here."""
        other = Weights()
        other._file, other._arrays = self._file, dict(self._arrays)
        return other


def _read_array(file: Path, name: str) -> np.ndarray:
    try:
        with zipfile.ZipFile(file) as archive:
            return read_npy(io.BytesIO(archive.read(f"{name}.npy")))
    except (OSError, EOFError, ValueError, KeyError, NotImplementedError, zipfile.BadZipFile) as error:
        raise TpucError(f'cannot read weight "{name}" of "{file}": {error}') from error


def write_weights(path: str | Path, weights: Mapping[str, np.ndarray]) -> None:
    """Write an npz that the vendor's tools read as well: stored, sorted by name, C order, no time stamps.

    Raises TpucError for a file that cannot be written.
    """
    with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name in sorted(weights):
            entry = zipfile.ZipInfo(f"{name}.npy", _DATE)
            entry.external_attr = 0o644 << 16
            array = np.ascontiguousarray(weights[name]).reshape(np.shape(weights[name]))
            with archive.open(entry, "w", force_zip64=array.nbytes > 1 << 30) as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)
