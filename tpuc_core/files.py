"""Whole files or none: output is written beside its place and renamed."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tpuc_core.errors import TpucError


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary path in the directory of `path`, renamed to `path` when the block ends well, removed when it does not.

    Raises TpucError when the directory is missing or not writable.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise TpucError(f'cannot write "{path}": {error.strerror}') from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise TpucError(f'cannot write "{path}": {error.strerror or error}') from error
    finally:
        temporary.unlink(missing_ok=True)


def writable_file(path: str | Path, others: Iterable[str | Path | None] = ()) -> Path:
    """The path, if a file can be written there, and it is none of the `others` that the command reads or writes: for commands to ask at
    their start. Raises TpucError otherwise."""
    path = Path(path)
    if any(other is not None and path.resolve() == Path(other).resolve() for other in others):
        raise TpucError(f'the output "{path}" is another file of this command too: give another name')
    if path.is_dir():
        raise TpucError(f'cannot write "{path}": {os.strerror(errno.EISDIR)}')
    if not path.parent.is_dir():
        raise TpucError(f'cannot write "{path}": {os.strerror(errno.ENOENT)}')
    if not os.access(path.parent, os.W_OK):
        raise TpucError(f'cannot write "{path}": {os.strerror(errno.EACCES)}')
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def only_file(files: Sequence[Path]) -> Path:
    """The one file of a model whose format has no second one. Raises TpucError: there are more."""
    if len(files) > 1:
        raise TpucError(f'a {files[0].suffix} file holds its weights itself: leave out --model_data "{files[1]}"')
    return files[0]


def existing_file(path: str | Path) -> Path:
    """The path, if a file is there. Raises TpucError otherwise."""
    path = Path(path)
    if not path.is_file():
        raise TpucError(f'no such file: "{path}"' if not path.exists() else f'"{path}" is not a file')
    return path
