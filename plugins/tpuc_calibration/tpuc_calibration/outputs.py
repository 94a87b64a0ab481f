"""How far a calibrated and quantized model is from float at its outputs, by the chip's own arithmetic.

An output that a Softmax makes is judged by what goes into it: probabilities near 0 and 1 hide differences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tpuc_calibration.consumers import relative_error
from tpuc_core.deploy import load_inputs_of
from tpuc_core.evaluate import Evaluator
from tpuc_core.images import absolute_sample
from tpuc_core.ir import Model, State, load_model, tensor_name, top
from tpuc_core.parallel import Workers
from tpuc_core.passes.calibration_table import CalibrationTable
from tpuc_core.passes.import_calibration_table import import_table
from tpuc_core.plugins import plugins
from tpuc_core.session import Tensors

Outputs = Tensors


@dataclass(frozen=True)
class Target:
    """What the table is for: a chip and a mode of quantization."""

    chip: str
    mode: str = "INT8"
    is_asymmetric: bool = False


@dataclass(frozen=True)
class Score:
    """Of the judged tensors, as means over samples: the squares of the errors over those of the float values, the
    cosine, and whether the greatest element is where float has it."""

    error: float
    cosine: float
    same_first: float = 1.0

    @property
    def decibel(self) -> float:
        """Signal to noise."""
        return decibel(self.error)

    def is_better_than(self, other: Score) -> bool:
        """Less error, and not less similar."""
        return self.error < other.error and self.cosine >= other.cosine


def decibel(error: float) -> float:
    """A relative square error as a ratio of signal to noise; at most 200."""
    return -10 * math.log10(max(error, 1e-20))


@dataclass(frozen=True)
class FloatOutputs:
    """Work: of a sample the float values of the outputs, and of what goes into them where a Softmax makes them."""

    mlir: str
    is_thread_safe: bool = True

    def open(self) -> Callable[[str], Outputs]:
        """Load the model. Raises TpucError."""
        model = load_model(self.mlir)
        evaluator, names = Evaluator(model), [name for pair in judged(model) for name in pair]
        return lambda sample: evaluator.run(load_inputs_of(model, sample.split(",")), keep=names)


@dataclass(frozen=True)
class QuantizedScore:
    """Work: the score of one sample, given with its float outputs, when the model is quantized with a table."""

    mlir: str
    table: CalibrationTable
    target: Target
    is_thread_safe: bool = False  # sessions of chips do not promise that

    def open(self) -> Callable[[tuple[str, Outputs]], Score]:
        """Quantize and lower the model. Raises TpucError where the chip or the quantizer cannot."""
        model = load_model(self.mlir)
        import_table(model, self.table, is_asymmetric=self.target.is_asymmetric)
        model.state = State.TOP_CALIBRATED
        chip, quantizer = plugins().chip(self.target.chip), plugins().quantizer(self.target.mode)
        plan = quantizer.plan(model, chip, self.target.mode, is_asymmetric=self.target.is_asymmetric)
        session, pairs = chip.interpret(chip.lower(model, plan)), judged(model)

        def run(item: tuple[str, Outputs]) -> Score:
            sample, wanted = item
            found = session.run(load_inputs_of(model, sample.split(",")), all_tensors=True)
            names = [inner if inner in found else output for inner, output in pairs]
            return score_of([found[name] for name in names], [wanted[name] for name in names])

        return run


def judged(model: Model) -> list[tuple[str, str]]:
    """Of each output: the tensor to judge, and the output itself."""
    return [(tensor_name(x.owner.operands[0] if isinstance(x.owner, top.SoftmaxOp) else x), tensor_name(x))
            for x in model.outputs]


def score_of(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> Score:
    """The mean over the outputs."""
    flat = [[array.astype(np.float64).reshape(-1) for array in arrays] for arrays in (found, wanted)]
    pairs = list(zip(*flat, strict=True))
    errors = [relative_error([a], [b]) for a, b in pairs]
    cosines = [_cosine(a, b) for a, b in pairs]
    same = [float(np.argmax(a) == np.argmax(b)) if a.size else 1.0 for a, b in pairs]
    return _mean([Score(*values) for values in zip(errors, cosines, same)])


def _mean(scores: Sequence[Score]) -> Score:
    columns = zip(*((s.error, s.cosine, s.same_first) for s in scores))
    return Score(*(math.fsum(column) / len(scores) for column in columns))


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    norm = math.sqrt(float(np.dot(a, a)) * float(np.dot(b, b)))
    return float(np.dot(a, b)) / norm if norm else float(not a.any() and not b.any())


def float_outputs(mlir: str, samples: Sequence[str], workers: Workers) -> list[tuple[str, Outputs]]:
    """The samples, with absolute paths, and the float outputs of each."""
    samples = [absolute_sample(sample) for sample in samples]
    return list(zip(samples, workers.map(FloatOutputs(mlir), samples), strict=True))


def quantized_score(mlir: str, table: CalibrationTable, target: Target, items: Sequence[tuple[str, Outputs]],
                    workers: Workers) -> Score:
    """The mean score over samples with their float outputs."""
    return _mean(list(workers.map(QuantizedScore(mlir, table, target), items)))
