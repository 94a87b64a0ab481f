"""How much noise each rounding of a quantized model puts on its outputs.

Every source of noise is measured alone: the float model is evaluated with just this one rounding in it. Noise powers of
independent small errors add up, so these numbers say what any choice of precisions will cost before it is tried. (Leaving one
layer of the quantized model in float measures less than it seems to: what the layer reads and writes is still rounded on both
sides, and the gain of two neighbours is more than the sum of their gains.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from xdsl.ir import Operation, SSAValue

from tpuc_core.deploy import load_inputs_of
from tpuc_core.errors import TpucError
from tpuc_core.evaluate import Evaluator
from tpuc_core.ir import Model, is_none, is_weight, tensor_name
from tpuc_core.plan import Plan, Precision
from tpuc_core.planning import FOLLOWERS
from tpuc_core.session import Tensors
from tpuc_mix.causes import FORMATS, Cause, clipped, in_format, quantized, rounded
from tpuc_mix.task import Task

Source = tuple[str, Cause]
_ON_GRID = 1e-3  # steps
_NEGLIGIBLE = 1e-3
"""Of the power of rounding: clipping below that is not worth an evaluation."""


@dataclass(frozen=True)
class NoiseOfSample:
    """Work for tpuc_core.parallel: the noise of every source on the outputs for one sample, relative to their power. In place of an
    output of Softmax its input counts: exponentials of large scores hide errors that change which one is the largest."""

    task: Task
    formats: tuple[Precision, ...] = ()
    is_thread_safe: bool = True

    def open(self) -> Callable[[str], dict[Source, float]]:
        probe = _Probe(self.task, self.formats)
        return probe.measure


@dataclass(frozen=True)
class NoiseOfModel:
    """Work for tpuc_core.parallel: the noise of the whole mixed model on the same tensors for one sample, in the chip's arithmetic."""

    task: Task
    choice: tuple[tuple[str, Precision], ...] = ()
    is_thread_safe: bool = True

    def open(self) -> Callable[[str], float]:
        top = self.task.top
        evaluator, session, names = Evaluator(top), self.task.session(dict(self.choice)), observed(top)

        def measure(words: str) -> float:
            given = load_inputs_of(top, words.split(","))
            clean, noisy = evaluator.run(given, keep=names), session.run(given, all_tensors=True)
            return float(np.mean([relative_power(noisy[name].reshape(clean[name].shape), clean[name]) for name in names]))

        return measure


class _Probe:
    """A float model with its plan, ready for samples."""

    def __init__(self, task: Task, formats: Sequence[Precision]):
        self.evaluator, self.plan, self.formats = Evaluator(task.top), task.base, formats
        self._top = task.top
        self.graph = Graph.of(task)
        self._observed = observed(task.top)
        self._ops = {tensor_name(op.results[0]): op for op in task.top.ops()}
        self._low = task.low
        self._constants = {name: found for name, op in self._ops.items()
                           if self.plan.ops[name].precision is task.low and (found := task.chip.stored_constants(task.top, op))}
        self._floats = {name: task.top.weight(self._ops[name].operands[1]) for name in self._constants}

    def measure(self, words: str) -> dict[Source, float]:
        """The noise powers for one sample, relative to the power of the outputs. Raises TpucError: outputs that are not finite."""
        tensors = self.evaluator.run(load_inputs_of(self._top, words.split(",")))
        for name in self._observed:
            if not np.isfinite(tensors[name]).all():
                raise TpucError(f'tensor "{name}" has values that are not finite for the sample "{words}"')
        found: dict[Source, float] = {}
        for name, changed in self._changes(tensors):
            for cause, array in changed.items():
                found[name, cause] = self._noise(tensors, name, array)
        return found

    def _changes(self, tensors: Tensors):
        for name in self.graph.tensors:
            yield name, dict(self._rounded_tensor(name, tensors))
        for name, constants in self._constants.items():
            yield name, {Cause.WEIGHTS: self.evaluator.compute(name, tensors, constants)}
        for name in self.graph.ops:
            yield name, {FORMATS[f]: self._in_format(name, tensors, f) for f in self.formats if f in FORMATS}

    def _rounded_tensor(self, name: str, tensors: Tensors):
        quantization = self.plan.tensors.get(name)
        if quantization is None or name in self.graph.moved:
            return
        x = tensors[name]
        inside, nearest = clipped(x, quantization), rounded(x, quantization)
        if np.square(inside - x).sum() > _NEGLIGIBLE * np.square(nearest - x).sum():
            yield Cause.CLIPPING, inside
        yield Cause.ROUNDING, nearest

    def _in_format(self, name: str, tensors: Tensors, precision: Precision) -> np.ndarray:
        constants = {1: in_format(self._floats[name], precision)} if name in self._floats else None
        return in_format(self.evaluator.compute(name, tensors, constants), precision)

    def _noise(self, tensors: Tensors, name: str, array: np.ndarray) -> float:
        outputs = self.evaluator.rerun(tensors, {name: array}, self._observed)
        return float(np.mean([relative_power(outputs[key], tensors[key]) for key in outputs]))


def observed(model: Model) -> list[str]:
    """The tensors on which noise is measured: outputs, before a Softmax."""
    names = {}
    for value in model.outputs:
        while isinstance(value.owner, Operation) and value.owner.name in {"top.Softmax", *FOLLOWERS}:
            value = value.owner.operands[0]
        names[tensor_name(value)] = None
    return list(names)


def relative_power(noisy: np.ndarray, clean: np.ndarray) -> float:
    """|noisy - clean|² / |clean|²; not finite values count as noise of the signal's own power."""
    difference = noisy.astype(np.float64) - clean
    signal = float((clean.astype(np.float64) ** 2).sum())
    noise = float((difference**2).sum())
    return noise / max(signal, 1e-30) if np.isfinite(noise) else 1.0


@dataclass
class Graph:
    """Who reads what, by names. `ops`: those that have a precision of their own; `tensors`: those that may be of 8 bits;
    `moved`: tensors that hold values of others on the same grid, by the others' names: they add no noise of their own.
    Readers of ops that follow their input's precision are readers of the input."""

    ops: list[str] = field(default_factory=list)
    tensors: list[str] = field(default_factory=list)
    readers: dict[str, set[str]] = field(default_factory=dict)
    reads: dict[str, list[str]] = field(default_factory=dict)
    moved: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, task: Task) -> Graph:
        graph, root = cls(), {}
        for op in task.top.inputs:
            root[op.results[0]] = tensor_name(op.results[0])
        for op in task.top.ops():
            sources = [root[v] for v in _activations(op.operands)]
            name = tensor_name(op.results[0])
            is_follower = op.name in FOLLOWERS and len(sources) == 1
            root.update(dict.fromkeys(op.results, sources[0] if is_follower else name))
            if is_follower:
                continue
            graph.ops.append(name)
            graph.reads[name] = sources
            for source in sources:
                graph.readers.setdefault(source, set()).add(name)
        graph.tensors = [name for name in [*dict.fromkeys(root.values())] if name in task.base.tensors]
        graph.moved = _moved(task, graph)
        return graph


def _activations(operands: Sequence[SSAValue]) -> list[SSAValue]:
    return [value for value in operands if not is_none(value) and not is_weight(value)]


def _moved(task: Task, graph: Graph) -> dict[str, list[str]]:
    """Found by trying: with inputs that lie on their grids the result lies on its own."""
    evaluator, plan = Evaluator(task.top), task.base
    generator = np.random.default_rng(0)
    inputs = {name: generator.standard_normal(shape, np.float32) for name, shape in evaluator.inputs.items()}
    tensors = evaluator.run(inputs)
    found = {}
    for name in graph.ops:
        sources = graph.reads[name]
        if name not in plan.tensors or not sources or not all(source in plan.tensors for source in sources):
            continue
        given = tensors | {source: quantized(tensors[source], plan.tensors[source]) for source in sources}
        result, wanted = evaluator.compute(name, given), plan.tensors[name]
        if np.abs(quantized(result, wanted) - result).max() <= _ON_GRID * wanted.scale:
            found[name] = sources
    return found


@dataclass
class Noise:
    """Mean noise powers of every source over samples, and the graph that says which of them a choice switches off."""

    graph: Graph
    plan: Plan
    low: Precision
    powers: dict[Source, float]

    @classmethod
    def mean(cls, task: Task, samples: Sequence[Mapping[Source, float]]) -> Noise:
        """Of the samples' noise powers; a source that a sample lacks is 0 there."""
        sources = dict.fromkeys(source for sample in samples for source in sample)
        powers = {source: sum(sample.get(source, 0.0) for sample in samples) / len(samples) for source in sources}
        return cls(Graph.of(task), task.base, task.low, powers)

    def precision(self, op: str, choice: Mapping[str, Precision]) -> Precision:
        return choice.get(op, self.plan.ops[op].precision)

    def low_tensors(self, choice: Mapping[str, Precision]) -> set[str]:
        """The tensors that are of 8 bits somewhere: where they are made, or for one of their readers."""
        found: set[str] = set()
        for name in reversed(self.graph.tensors):
            makers = [name] if name in self.graph.reads else []
            if any(self.precision(op, choice) is self.low for op in [*makers, *self.graph.readers.get(name, ())]) or name in found:
                found.add(name)
                found.update(self.graph.moved.get(name, ()))
        return found

    def active(self, choice: Mapping[str, Precision]) -> dict[Source, float]:
        """The sources that are there under a choice, with their powers."""
        low = self.low_tensors(choice)
        return {(name, cause): power for (name, cause), power in self.powers.items() if self._is_active(name, cause, choice, low)}

    def _is_active(self, name: str, cause: Cause, choice: Mapping[str, Precision], low: set[str]) -> bool:
        if cause in (Cause.CLIPPING, Cause.ROUNDING):
            return name in low
        precision = self.precision(name, choice)
        return precision is self.low if cause is Cause.WEIGHTS else FORMATS.get(precision) is cause

    def total(self, choice: Mapping[str, Precision]) -> float:
        """The noise power on the outputs that a choice is expected to have, relative to the signal."""
        return sum(self.active(choice).values())
