"""Evaluates a model on samples and gathers the statistics of every tensor and the mean inputs of filters; memory does not grow with the
samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tpuc_calibration.channel_sums import ChannelSums
from tpuc_calibration.partial import Gathered, Partial, Run, model_digest
from tpuc_calibration.statistics import TensorStatistics
from tpuc_core.deploy import load_inputs_of
from tpuc_core.errors import TpucError
from tpuc_core.evaluate import Evaluator
from tpuc_core.evaluate.evaluator import Operands, Step
from tpuc_core.images import absolute_sample
from tpuc_core.ir import filter_input_axis, load_model, tensor_name
from tpuc_core.parallel import Workers
from tpuc_core.progress import progress

CHUNK = 4  # samples that a worker takes at a time


@dataclass(frozen=True)
class Observe:
    """Work: what some samples give."""

    mlir: str
    is_thread_safe: bool = True

    def open(self) -> Callable[[Sequence[str]], Gathered]:
        """Load the model. Raises TpucError."""
        model = load_model(self.mlir)
        evaluator = Evaluator(model)
        axes = {tensor_name(op.results[0]): axis for op in model.ops() if (axis := filter_input_axis(op)) is not None}

        def observe(samples: Sequence[str]) -> Gathered:
            tensors = {name: TensorStatistics() for name in evaluator.names}
            inputs = {name: ChannelSums() for name in axes}

            def watch(step: Step, operands: Operands, results: list[np.ndarray]) -> None:
                name, given = step.results[0][1], operands[0]
                if name in axes and given is not None:
                    inputs[name].merge(ChannelSums.of(given, axes[name]))

            for sample in samples:
                def update(name: str, array: np.ndarray, sample: str = sample) -> None:
                    try:
                        tensors[name].update(array)
                    except TpucError as error:
                        raise TpucError(f'tensor "{name}" has {error} for the sample "{sample}"') from error

                evaluator.run(load_inputs_of(model, sample.split(",")), keep=(), callback=update, watch=watch)
            return Gathered(tensors, inputs)

        return observe


def run_of(mlir: str, samples: Sequence[str], shard: tuple[int, int] = (1, 1)) -> Run:
    """What is to be calibrated on what. Raises TpucError for a file that holds no model."""
    model = load_model(mlir)
    weights = model.get_attribute("weight_file")
    path = Path(mlir).resolve()
    digest = model_digest(path, path.parent / weights if weights else None)
    return Run(str(path), digest, model.name, tuple(samples), shard)


def collect(partial: Partial, workers: Workers, save_every: int = 0) -> Iterator[Partial]:
    """Gather the statistics of the samples that `partial` lacks into it; yields it after every `save_every` samples
    that were added (0: never), which is the moment to save it.

    A sample is a path of an image, .npy or .npz, or several with commas between for several inputs. The result depends
    on neither their order nor the workers. Raises TpucError that names the sample.
    """
    samples = partial.run.own_samples
    chunks = [samples[i : i + CHUNK] for i in range(partial.done, len(samples), CHUNK)]
    found = workers.map(Observe(partial.run.mlir), [[absolute_sample(s) for s in chunk] for chunk in chunks])
    steps = progress(_one_by_one(partial, chunks, found), "calibrate", len(samples) - partial.done)
    saved = partial.done
    for _ in steps:
        if save_every and partial.done - saved >= save_every:
            saved = partial.done
            yield partial


def _one_by_one(partial: Partial, chunks: Sequence[Sequence[str]], found: Iterator[Gathered]) -> Iterator[str]:
    """The samples as they are added."""
    for chunk, gathered in zip(chunks, found, strict=True):
        partial.add(gathered, len(chunk))
        yield from chunk
