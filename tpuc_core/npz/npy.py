"""Arrays in .npy form, read by any number of threads."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import BinaryIO

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file

ONE_AT_A_TIME = Lock()
"""numpy reads the header with `ast.literal_eval`. In several threads, CPython 3.11.7 then raises SystemError now and then, "AST constructor
recursion depth mismatch" (https://github.com/python/cpython/issues/106905)."""


def load_npy(path: str | Path) -> np.ndarray:
    """The array in a file. Raises TpucError: there is none."""
    path = existing_file(path)
    try:
        with path.open("rb") as file:
            return read_npy(file)
    except (ValueError, EOFError, OSError) as error:
        raise TpucError(f'"{path}" is not a readable npy file: {error}') from error


def read_npy(stream: BinaryIO) -> np.ndarray:
    """The array in a stream. Raises ValueError or EOFError: there is none."""
    with ONE_AT_A_TIME:
        return np.lib.format.read_array(stream, allow_pickle=False)
