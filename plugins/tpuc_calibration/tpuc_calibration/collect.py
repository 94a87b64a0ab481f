"""Evaluates a model on samples and gathers the statistics of every tensor; memory does not grow with the samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np

from tpuc_calibration.statistics import TensorStatistics
from tpuc_core.errors import TpucError
from tpuc_core.evaluate import Evaluator
from tpuc_core.images import load_inputs
from tpuc_core.ir import Model
from tpuc_core.progress import progress
from tpuc_core.run_mlir import preprocessing_of

_READ_AHEAD = 4  # samples that are decoded while another one is evaluated


def collect(model: Model, samples: Sequence[str]) -> dict[str, TensorStatistics]:
    """The statistics of every tensor over all samples, by name, inputs first, in the order of the model.

    A sample is a path of an image, .npy or .npz, or several with commas between for several inputs. Raises TpucError
    that names the sample.
    """
    evaluator = Evaluator(model)
    statistics = {name: TensorStatistics() for name in evaluator.names}
    for sample, inputs in progress(_read_ahead(model, samples), "calibrate", len(samples)):
        evaluator.run(inputs, keep=(), callback=partial(_update, statistics, sample))
    return statistics


def _update(statistics: dict[str, TensorStatistics], sample: str, name: str, array: np.ndarray) -> None:
    try:
        statistics[name].update(array)
    except TpucError as error:
        raise TpucError(f'tensor "{name}" has {error} for the sample "{sample}"') from error


def _read_ahead(model: Model, samples: Sequence[str]) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """(sample, inputs) in order; another thread decodes the next few."""
    wanted = preprocessing_of(model)
    shapes = {name: shape for name, (shape, _) in wanted.items()}
    preprocessing = {name: p for name, (_, p) in wanted.items()}
    waiting: list[tuple[str, Future[dict[str, np.ndarray]]]] = []
    with ThreadPoolExecutor(1) as pool:
        for sample in samples:
            waiting.append((sample, pool.submit(load_inputs, sample.split(","), shapes, preprocessing)))
            if len(waiting) > _READ_AHEAD:
                name, inputs = waiting.pop(0)
                yield name, inputs.result()
        for name, inputs in waiting:
            yield name, inputs.result()
