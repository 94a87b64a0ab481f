"""Evaluates a model on samples and gathers the statistics of every tensor; memory does not grow with the samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from tpuc_calibration.statistics import TensorStatistics
from tpuc_core.errors import TpucError
from tpuc_core.evaluate import Evaluator
from tpuc_core.images import load_inputs
from tpuc_core.ir import Model
from tpuc_core.progress import progress
from tpuc_core.run_mlir import preprocessing_of
from tpuc_core.threads import map_ahead


def collect(model: Model, samples: Sequence[str], threads: int | None = None) -> dict[str, TensorStatistics]:
    """The statistics of every tensor over all samples, by name, inputs first, in the order of the model.

    A sample is a path of an image, .npy or .npz, or several with commas between for several inputs. Samples are
    evaluated side by side; the result depends on neither their order nor the number of threads. Raises TpucError that
    names the sample.
    """
    wanted = preprocessing_of(model)
    shapes = {name: shape for name, (shape, _) in wanted.items()}
    preprocessing = {name: p for name, (_, p) in wanted.items()}
    evaluator = Evaluator(model)
    tensors = {name: _Shared() for name in evaluator.names}

    def observe(sample: str) -> None:
        def update(name: str, array: np.ndarray) -> None:
            try:
                tensors[name].update(array)
            except TpucError as error:
                raise TpucError(f'tensor "{name}" has {error} for the sample "{sample}"') from error

        evaluator.run(load_inputs(sample.split(","), shapes, preprocessing), keep=(), callback=update)

    for _ in progress(map_ahead(observe, samples, threads), "calibrate", len(samples)):
        pass
    return {name: shared.statistics for name, shared in tensors.items()}


@dataclass
class _Shared:
    """Statistics that several threads update."""

    statistics: TensorStatistics = field(default_factory=TensorStatistics)
    lock: Lock = field(default_factory=Lock)

    def update(self, array: np.ndarray) -> None:
        with self.lock:
            self.statistics.update(array)
