"""npz files, whole or refused: reading with clear errors, writing with the same bytes for the same tensors."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tpuc_core.errors import TpucError, did_you_mean
from tpuc_core.files import existing_file, whole_file
from tpuc_core.npz.npy import ONE_AT_A_TIME

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the least date of a zip member: no time stamp, so equal tensors give equal files


def load_npz(path: str | Path) -> dict[str, np.ndarray]:
    """Every tensor of an npz by name, in the order of the file.

    Raises TpucError for a missing file, for a file that is no npz, and for a damaged one.
    """
    path = existing_file(path)
    if not zipfile.is_zipfile(path):
        raise TpucError(f'"{path}" is not an npz file, or its end is missing')
    try:
        with ONE_AT_A_TIME, np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, KeyError, NotImplementedError) as error:
        raise TpucError(f'"{path}" is a damaged npz file: {error}') from error


def save_npz(path: str | Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Write tensors as an uncompressed npz: the whole file or none. Any tensor name is allowed, "file" too."""
    with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, tensor in tensors.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(tensor), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), buffer.getbuffer())


def tensor_of(tensors: Mapping[str, np.ndarray], name: str, path: str | Path) -> np.ndarray:
    """The tensor of that name. Raises TpucError that names the nearest one."""
    if name in tensors:
        return tensors[name]
    hint = did_you_mean(name, tensors).rpartition("; ")[2]
    tail = f"; {hint}" if hint.startswith("did you mean") else f"; `tpuc npz dump {path}` lists its {len(tensors)} tensors"
    raise TpucError(f'no tensor "{name}" in "{path}"{tail}')
