"""Runs the `top` ops of a model one after the other on whole float32 arrays.

A model that is quantized already is evaluated in the real values of its integers: sums and products are those of its integers,
every other result is brought to the nearest value that its type holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.ir import Operation, SSAValue

from tpuc_core.errors import TpucError
from tpuc_core.evaluate.grid import on_grid
from tpuc_core.evaluate.integers import integer_evaluation
from tpuc_core.evaluate.registry import BoundOp, Evaluation, evaluation_of
from tpuc_core.ir import Model, is_none, is_weight, quantization_of, shape_of, tensor_name
from tpuc_core.plan import TensorQuantization

Callback = Callable[[str, np.ndarray], None]
Operands = list[np.ndarray | None]


@dataclass
class Step:
    """One op, bound: where its operands are, what its results are called, and what is no longer wanted after it."""

    op: BoundOp
    function: Evaluation
    operands: list[SSAValue | np.ndarray | None]
    results: list[tuple[int, str, SSAValue]]
    grids: list[TensorQuantization | None]
    released: list[SSAValue]

    @property
    def activations(self) -> list[tuple[int, str]]:
        """Place and name of the operands that are computed, not weights."""
        return [(i, tensor_name(x)) for i, x in enumerate(self.operands) if isinstance(x, SSAValue)]

    def apply(self, operands: Operands) -> list[np.ndarray]:
        """All results of the op. Raises TpucError where it does not fit the operands."""
        return _apply(self, operands)


Watch = Callable[[Step, Operands, list[np.ndarray]], None]


class Evaluator:
    """A model made ready to be evaluated many times. Not changed by a run: threads may share one.

    Raises TpucError when the model is not in the `top` dialect, or has ops that cannot be evaluated (all of them named).
    """

    def __init__(self, model: Model):
        self.inputs = {tensor_name(op.results[0]): shape_of(op.results[0]) for op in model.inputs}
        self.outputs = [tensor_name(value) for value in model.outputs]
        self._input_values = [op.results[0] for op in model.inputs]
        self.steps = _bind(model)

    @property
    def names(self) -> list[str]:
        """Every tensor, inputs first, in order of computation."""
        return [*self.inputs, *(name for step in self.steps for _, name, _ in step.results)]

    def run(self, inputs: Mapping[str, np.ndarray], *, keep: Collection[str] | None = None,
            callback: Callback | None = None, watch: Watch | None = None) -> dict[str, np.ndarray]:
        """Evaluate: the tensors named in `keep`, or every tensor, by name in order of computation.

        `callback(name, array)` sees each tensor when it is computed, `watch(step, operands, results)` each op. A tensor that is
        not kept is freed after its last use. Raises TpucError for a missing input or one of a wrong shape.
        """
        values: dict[SSAValue, np.ndarray] = {}
        kept: dict[str, np.ndarray] = {}

        def store(name: str, value: SSAValue, array: np.ndarray) -> None:
            values[value] = array
            if keep is None or name in keep:
                kept[name] = array
            if callback is not None:
                callback(name, array)

        for value, (name, shape) in zip(self._input_values, self.inputs.items()):
            store(name, value, _checked_input(inputs, name, shape))  # shown as it was given
            if (quantization := quantization_of(value)) is not None:
                values[value] = on_grid(values[value], quantization)
        for step in self.steps:
            operands = [values[x] if isinstance(x, SSAValue) else x for x in step.operands]
            arrays = _apply(step, operands)
            if watch is not None:
                watch(step, operands, arrays)
            for (index, name, value), grid in zip(step.results, step.grids):
                store(name, value, arrays[index] if grid is None else on_grid(arrays[index], grid))
            del operands, arrays
            for value in step.released:
                del values[value]
        return kept

    def rerun(self, tensors: Mapping[str, np.ndarray], changed: Mapping[str, np.ndarray], keep: Collection[str]) -> dict[str, np.ndarray]:
        """The tensors named in `keep` as they would be if those of `changed` had these values: only what depends on them is
        computed. `tensors`: every tensor of a run, see `run`."""
        fresh = dict(changed)
        for step in self.steps:
            names, sources = [name for _, name, _ in step.results], dict(step.activations)
            if all(name in changed for name in names) or not any(source in fresh for source in sources.values()):
                continue
            operands = self._operands(step, {**tensors, **fresh})
            arrays = step.apply(operands)
            for (index, name, _), grid in zip(step.results, step.grids):
                if name not in changed:
                    fresh[name] = arrays[index] if grid is None else on_grid(arrays[index], grid)
        return {name: fresh.get(name, tensors[name]) for name in keep}

    def compute(self, name: str, tensors: Mapping[str, np.ndarray], constants: Mapping[int, np.ndarray] | None = None) -> np.ndarray:
        """The tensor of that name, computed by its op from `tensors`. `constants`: in place of the op's own, by operand number.

        Raises TpucError for a tensor that no op computes.
        """
        step, index = self._producer(name)
        operands = self._operands(step, tensors)
        for number, array in (constants or {}).items():
            operands[number] = array
        return step.apply(operands)[index]

    def _operands(self, step: Step, tensors: Mapping[str, np.ndarray]) -> Operands:
        names = dict(step.activations)
        return [tensors[names[i]] if isinstance(x, SSAValue) else x for i, x in enumerate(step.operands)]

    def _producer(self, name: str) -> tuple[Step, int]:
        for step in self.steps:
            for index, result, _ in step.results:
                if result == name:
                    return step, index
        raise TpucError(f'no op computes a tensor "{name}"')


def evaluate(model: Model, inputs: Mapping[str, np.ndarray], *, keep: Collection[str] | None = None,
             callback: Callback | None = None) -> dict[str, np.ndarray]:
    """Evaluate a model once; see Evaluator.run. For many inputs make one Evaluator."""
    return Evaluator(model).run(inputs, keep=keep, callback=callback)


def _checked_input(inputs: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name not in inputs:
        raise TpucError(f'input "{name}" is missing; given: {", ".join(inputs) or "none"}')
    array = np.asarray(inputs[name], np.float32, order="C")
    if array.shape != shape:
        raise TpucError(f'input "{name}" has the shape {list(array.shape)} where the model wants {list(shape)}')
    return array


def _bind(model: Model) -> list[Step]:
    ops = model.ops()
    unknown = sorted({op.name for op in ops if evaluation_of(op.name) is None})
    if any(name.startswith("tpu.") for name in unknown):
        raise TpucError(f'float evaluation takes models of `top` ops; this one is {model.state}')
    if unknown:
        names = ", ".join(f'{op.name} "{tensor_name(op.results[0])}"' for op in ops if op.name in unknown)
        raise TpucError(f"these ops cannot be evaluated in float: {names}")
    last_use: dict[SSAValue, Operation] = {}
    for op in ops:
        last_use.update(dict.fromkeys((*op.operands, *op.results), op))
    released: dict[Operation, list[SSAValue]] = {op: [] for op in ops}
    for value, op in last_use.items():
        if not is_none(value) and not is_weight(value):
            released[op].append(value)
    return [_bind_op(model, op, released[op]) for op in ops]


def _bind_op(model: Model, op: Operation, released: list[SSAValue]) -> Step:
    function = evaluation_of(op.name)
    assert function is not None
    results: list[tuple[int, str, SSAValue]] = [(i, tensor_name(r), r) for i, r in enumerate(op.results) if not is_none(r)]
    bound = BoundOp(op.name, op, [shape_of(value) for _, _, value in results])  # type: ignore[arg-type]
    integers = integer_evaluation(model, op)
    grids = [None if integers is not None else quantization_of(value) for _, _, value in results]
    return Step(bound, integers or function, [_operand(model, value) for value in op.operands], results, grids, released)


def _operand(model: Model, value: SSAValue) -> SSAValue | np.ndarray | None:
    if is_none(value):
        return None
    return model.real_weight(value) if is_weight(value) else value


def _apply(step: Step, operands: list[np.ndarray | None]) -> list[np.ndarray]:
    try:
        result = step.function(step.op, *operands)
    except (ValueError, TypeError, IndexError, ZeroDivisionError) as error:
        raise TpucError(f'{step.op.name} "{step.results[0][1]}" does not fit its operands: {error}') from error
    arrays = [np.asarray(a, np.float32) for a in (result if isinstance(result, (tuple, list)) else [result])]
    for (index, name, _), shape in zip(step.results, step.op.shapes):
        if arrays[index].shape != shape:
            raise TpucError(f'{step.op.name} "{name}" gives the shape {list(arrays[index].shape)} '
                            f"where the model says {list(shape)}")
    return arrays
