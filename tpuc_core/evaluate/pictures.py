"""Model files of any kind, opened to be run on pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.evaluate.accuracy import decoded, ranks_of
from tpuc_core.images import Preprocessing
from tpuc_core.plugins import plugins
from tpuc_core.session import Session


@dataclass(frozen=True)
class PictureModel:
    """A file, the runner that opens it (None: the first that does), and what is known about its preprocessing.

    mlir: a file to take it from where the model carries none; options: fields of Preprocessing that win over both. weight: the
    file of its weights, for formats that keep them apart; by default that beside it.
    """

    file: Path
    runner: str | None = None
    mlir: Path | None = None
    options: tuple[tuple[str, Any], ...] = ()
    weight: Path | None = None

    def open(self) -> tuple[Session, Preprocessing]:
        """Raises TpucError for a file that no runner opens, and where nothing says how pictures become inputs."""
        session, preprocessing = self.open_any()
        if preprocessing is None:
            raise TpucError(f'"{self.file.name}" does not say how images become inputs; give --mlir, or --mean, --scale, --pixel_format, ...')
        return session, preprocessing

    def open_any(self) -> tuple[Session, Preprocessing | None]:
        """As `open`, for models that may take other inputs than pictures: None where nothing says how they become inputs."""
        session = plugins().open(self.file, self.runner, self.weight)
        attributes = getattr(session, "preprocessing", None)
        if self.mlir is not None:
            attributes = _attributes_of(self.mlir)
        if not attributes and not self.options:
            return session, None
        given = replace(Preprocessing.from_attributes(attributes or {}), **dict(self.options))
        return session, _laid_out(given, session.inputs[0].shape, is_asked="channel_format" in dict(self.options))


def _attributes_of(mlir: Path) -> Mapping[str, Any] | None:
    from tpuc_core.ir import load_model
    from tpuc_core.run_mlir import picture_attributes

    return picture_attributes(load_model(mlir))


def _laid_out(preprocessing: Preprocessing, shape: Sequence[int], *, is_asked: bool) -> Preprocessing:
    """The preprocessing with the layout of the input: an imported model is NCHW where its source (TFLite) may be NHWC."""
    if is_asked or len(shape) != 4:
        return preprocessing
    is_nhwc = shape[3] in (1, 3, 4) and shape[1] not in (1, 3, 4)
    is_nchw = shape[1] in (1, 3, 4) and shape[3] not in (1, 3, 4)
    if is_nhwc or is_nchw:
        return replace(preprocessing, channel_format="nhwc" if is_nhwc else "nchw")
    return preprocessing


@dataclass(frozen=True)
class Ranking:
    """Work for tpuc_core.parallel: the best classes of the pictures of a batch."""

    model: PictureModel
    is_thread_safe: bool = False

    def open(self) -> Callable[[Sequence[str]], np.ndarray]:
        session, preprocessing = self.model.open()

        def rank(files: Sequence[str]) -> np.ndarray:
            return ranks_of(session, session.run(decoded(session, preprocessing, files)))

        return rank
