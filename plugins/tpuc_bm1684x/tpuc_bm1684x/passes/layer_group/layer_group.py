"""The pass: dynamic programming over the cuts of each run of local ops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.ir import Block, Operation, Region, SSAValue

from tpuc_bm1684x.codegen.emit import Emitter
from tpuc_bm1684x.codegen.steps import BOUNDARIES, GroupStep, outputs_of
from tpuc_bm1684x.host_ops import chip_outputs
from tpuc_bm1684x.kernels import LocalKernel, kernel_for
from tpuc_bm1684x.kernels.command_engine import CommandEngine
from tpuc_bm1684x.kernels.local_memory import DoesNotFit
from tpuc_bm1684x.passes.layer_group.cost import CostModel, group_cycles, sections
from tpuc_core.errors import TpucError
from tpuc_core.ir import Model, State, TensorOp, is_weight, name_location, tensor_name, tpu
from tpuc_core.passes import Pass

MOST_OPS = 10
MOST_SECTIONS = 16  # of a group of several ops: finer cuts compute too many rows twice
ANY_ADDRESS = 0x1_0000_0000


@dataclass
class LayerGroup(Pass):
    """Put ops into groups whose tensors stay in local memory, whole or in slices of images and rows.

    opt=1: one op a group; opt=2: the cheapest groups by estimated cycles.
    """

    name: ClassVar[str] = "layer-group"
    takes: ClassVar[State | None] = State.TPU_DIVIDED
    gives: ClassVar[State | None] = State.TPU_DIVIDED
    opt: int = 2

    def apply(self, model: Model) -> None:
        returned = set(chip_outputs(model))
        for run in runs_of(model):
            for step in best_groups(run, returned, most_ops=MOST_OPS if self.opt > 1 else 1):
                make_group(model, step)


def runs_of(model: Model) -> list[list[LocalKernel]]:
    """Runs of local ops without anything else between them."""
    runs: list[list[LocalKernel]] = [[]]
    for function in model.functions:
        for op in function.body.block.ops:
            if op.name in BOUNDARIES:
                continue
            kernel = kernel_for(op)  # type: ignore[arg-type]
            if isinstance(kernel, LocalKernel):
                runs[-1].append(kernel)
            else:
                runs.append([])
    return [run for run in runs if run]


def best_groups(run: Sequence[LocalKernel], returned: set[SSAValue], most_ops: int) -> list[GroupStep]:
    """The cheapest groups of a run. Raises TpucError for an op that does not fit local memory in any slice."""
    planner = Planner(run, returned)
    while True:
        steps = planner.best(most_ops)
        refused = [step for step in steps if not is_emitted(step)]
        if not refused:
            return steps
        planner.refused |= {cut_of(step) for step in refused}


def cut_of(step: GroupStep) -> tuple[str, str, int, int]:
    """What tells the groups of a run apart."""
    return step.kernels[0].name, step.kernels[-1].name, step.nsecs, step.hsecs


class Planner:
    """Dynamic programming over the cuts of a run. `refused`: groups whose estimate was too good."""

    def __init__(self, run: Sequence[LocalKernel], returned: set[SSAValue]):
        self.run, self.returned = run, returned
        self.costs = CostModel()
        self.cycles: dict[tuple[str, str, int, int], int | None] = {}
        self.refused: set[tuple[str, str, int, int]] = set()

    def best(self, most_ops: int) -> list[GroupStep]:
        """The cheapest groups that are not refused."""
        best: list[tuple[int, int, GroupStep | None]] = [(0, 0, None)]
        for stop in range(1, len(self.run) + 1):
            options = [(best[start][0] + cycles, start, step) for start, cycles, step in self._groups_until(stop, most_ops)]
            best.append(min(options, key=lambda option: option[0]))
        steps: list[GroupStep] = []
        stop = len(self.run)
        while stop:
            _, start, step = best[stop]
            steps.append(step)  # type: ignore[arg-type]
            stop = start
        return steps[::-1]

    def _groups_until(self, stop: int, most_ops: int) -> Iterator[tuple[int, int, GroupStep]]:
        for start in range(stop - 1, max(-1, stop - 1 - most_ops), -1):
            kernels = list(self.run[start:stop])
            found = self._cheapest_cut(kernels) if len(kernels) == 1 or can_share(kernels) else None
            if found is not None:
                yield start, *found
            elif len(kernels) == 1:
                raise TpucError(f'"{kernels[0].name}" ({kernels[0].op.name}, {list(kernels[0].out_shape)}) does not fit the local memory of bm1684x in any slice')
            else:
                return

    def _cheapest_cut(self, kernels: list[LocalKernel]) -> tuple[int, GroupStep] | None:
        """The coarsest cut of a group that fits, with its cycles."""
        outputs = outputs_of(kernels, self.returned)
        heights = [k.out_shape[2] for k in kernels if k.name in outputs]
        height = min(heights) if all(k.can_slice_rows() for k in kernels) else 1
        for nsecs, hsecs in sections(kernels[0].out_shape[0], height):
            if len(kernels) > 1 and nsecs * hsecs > MOST_SECTIONS:
                return None
            step = GroupStep(kernels, outputs, nsecs, hsecs)
            key = cut_of(step)
            if key not in self.cycles:
                self.cycles[key] = group_cycles(step, self.costs)
            cycles = self.cycles[key]
            if cycles is not None and key not in self.refused:
                return cycles, step
        return None


def can_share(kernels: Sequence[LocalKernel]) -> bool:
    """Whether the tensors between these ops can stay in local memory: same images, read as they were made."""
    made = {k.name: k.out_shape for k in kernels}
    if len({k.out_shape[0] for k in kernels}) > 1:
        return False
    for kernel in kernels:
        for index, (name, shape) in enumerate(kernel.in_keys):
            if name in made and (made[name] != shape or kernel.is_spread(index)):
                return False
    return True


class AnyAddress(Mapping):
    """An address for whatever is asked: the place of tensors does not matter for whether a group fits."""

    def __getitem__(self, name: str) -> int:
        return ANY_ADDRESS

    def __iter__(self):
        return iter(())

    def __len__(self) -> int:
        return 0


def is_emitted(step: GroupStep) -> bool:
    """Whether code generation of a group alone succeeds."""
    available = {tensor_name(v) for k in step.kernels for v in k.activations if tensor_name(v) not in step.made}
    try:
        Emitter(CommandEngine(AnyAddress())).emit([step], available)
    except DoesNotFit:
        return False
    return True


def make_group(model: Model, step: GroupStep) -> None:
    """Move the ops of a step into a tpu.Group, with a Load for what comes from global memory and a Store for what goes there."""
    ops = [k.op for k in step.kernels]
    outputs = [k.out for k in step.kernels if k.name in step.outputs]
    around, behind = ops[-1].parent_block(), ops[-1].next_op
    block, none = Block(), model.none(ops[-1])
    loads: dict[SSAValue, SSAValue] = {}
    for op in ops:
        op.detach()
        _load_operands(op, {k.out for k in step.kernels}, loads, block)
        block.add_op(op)
    location = name_location([tensor_name(v) for v in outputs])
    group = tpu.GroupOp.create(operands=[v for v in loads if not is_weight(v)], result_types=[v.type for v in outputs],
                               regions=[Region(block)], attributes=_group_attributes(step), location=location)
    around.insert_op_before(group, behind)  # type: ignore[union-attr, arg-type]
    stores = []
    inside = set(ops)
    for value, result in zip(outputs, group.results):
        value.replace_uses_with_if(result, lambda use: use.operation not in inside)
        store = tpu.StoreOp.make(tensor_name(value), [value, none], value.type)
        block.add_op(store)
        stores.append(store.results[0])
    block.add_op(tpu.YieldOp.create(operands=stores, location=location))


def _load_operands(op: TensorOp | Operation, made: set[SSAValue], loads: dict[SSAValue, SSAValue], block: Block) -> None:
    for index, value in enumerate(op.operands):
        if value in made or value.type.name != "tensor":
            continue
        if value not in loads:
            load = tpu.LoadOp.make(f"load_{tensor_name(value)}", [value], value.type, lmem_type=0 if is_weight(value) else 1)
            block.add_op(load)
            loads[value] = load.results[0]
        op.operands[index] = loads[value]


def _group_attributes(step: GroupStep):
    shell = tpu.GroupOp.make("", [], [], nsecs=step.nsecs, hsecs=step.hsecs, csecs=1, dsecs=1, wsecs=1, swpipl_stage_num=1, group_type=0,
                             flow=[0], self_up_overlap_op=[], self_down_overlap_op=[], other_up_overlap_op=[], other_down_overlap_op=[],
                             core_slice_ncdhw=[], run_core_id=[])
    return shell.attributes
