"""What a choice of precisions costs in cycles, before it is compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from tpuc_core.ir import Model, is_none, is_weight, shape_of, tensor_name
from tpuc_core.plan import Plan, Precision
from tpuc_mix.noise import Graph
from tpuc_mix.task import Choice, Task


@dataclass
class Costs:
    """ops: cycles by precision and op name; casts: of a tensor from one precision to another; outputs: tensors that leave the
    model as reals."""

    graph: Graph
    plan: Plan
    ops: dict[Precision, dict[str, int]]
    casts: dict[str, int]
    outputs: Sequence[str] = field(default_factory=list)

    @classmethod
    def of(cls, task: Task, highs: Sequence[Precision]) -> Costs:
        """By the chip's estimates of the model in one precision throughout, and in two that change with every op."""
        names = {tensor_name(op.results[0]) for op in task.top.ops()}
        ops = {task.low: _op_cycles(task, task.lowered({}), names)}
        for high in highs:
            movable = task.movable(high)
            ops[high] = _op_cycles(task, task.lowered(dict.fromkeys(movable, high)), names)
        movable = task.movable(highs[0])
        mixed = [task.lowered(dict.fromkeys(movable[start::2], highs[0])) for start in (0, 1)]
        return cls(Graph.of(task), task.base, ops, _cast_cycles(task, mixed), [tensor_name(value) for value in task.top.outputs])

    def estimate(self, choice: Choice) -> int:
        """Cycles of computations and casts; transfers between groups of layers are not in it."""
        return sum(self._op(op, choice) for op in self.graph.ops) + sum(self._casts(name, choice) for name in self.casts)

    def _precision(self, op: str, choice: Choice) -> Precision:
        return choice.get(op, self.plan.ops[op].precision)

    def _op(self, op: str, choice: Choice) -> int:
        precision = self._precision(op, choice)
        known = self.ops.get(precision) or next(iter(self.ops.values()))  # falls back: it costs the same in every choice
        return known.get(op, 0)

    def _casts(self, name: str, choice: Choice) -> int:
        made = self._precision(name, choice) if name in self.graph.reads else Precision.F32
        read = {self._precision(op, choice) for op in self.graph.readers.get(name, ())}
        if name in self.outputs:
            read.add(Precision.F32)
        return len(read - {made}) * self.casts[name]


def _op_cycles(task: Task, lowered: Model, names: set[str]) -> dict[str, int]:
    """By the names of `top` ops: what an op became besides the tensor of its name is counted with it. No casts."""
    cycles, found, extra = task.chip.op_cycles(lowered), {}, 0
    for op in lowered.ops():
        name = tensor_name(op.results[0])
        if op.name == "tpu.Cast":
            continue
        extra += cycles[name]
        if name in names:
            found[name], extra = extra, 0
    return found


def _cast_cycles(task: Task, mixed: Sequence[Model]) -> dict[str, int]:
    """By tensor. A tensor that none of the models casts costs as much for each element as the others do."""
    found: dict[str, int] = {}
    for model in mixed:
        cycles = task.chip.op_cycles(model)
        for op in model.ops():
            if op.name == "tpu.Cast":
                source = tensor_name(op.operands[0])
                found[source] = max(found.get(source, 0), cycles[tensor_name(op.results[0])])
    sizes = _sizes(task.top)
    known = [name for name in found if name in sizes]
    rate = sum(found[name] for name in known) / max(sum(sizes[name] for name in known), 1)
    return {name: found.get(name, round(rate * size)) for name, size in sizes.items()}


def _sizes(model: Model) -> Mapping[str, int]:
    values = [value for op in (*model.inputs, *model.ops()) for value in op.results]
    return {tensor_name(value): prod(shape_of(value)) for value in values if not is_none(value) and not is_weight(value)}
