"""address-assign: where weights and tensors lie in global memory; tensors that do not live at one time share it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from xdsl.ir import SSAValue

from tpuc_bm1684x.bmodel.content import GLOBAL_MEMORY
from tpuc_bm1684x.codegen.steps import AliasStep, GlobalStep, GroupStep, Step, steps_of
from tpuc_bm1684x.host_ops import chip_outputs
from tpuc_bm1684x.kernels.constants import STORAGE
from tpuc_core.ir import Model, State, is_weight, shape_of, storage_of, tensor_name, with_address
from tpuc_core.passes import Pass

PAGE_BYTES = 4096


def pages(size_bytes: int) -> int:
    """A size rounded up to whole pages."""
    return -(-size_bytes // PAGE_BYTES) * PAGE_BYTES


def size_of_value(value: SSAValue) -> int:
    """Bytes of a tensor."""
    return int(np.prod(shape_of(value))) * STORAGE[storage_of(value)].itemsize


@dataclass
class Life:
    """A range of memory that is needed from one step to another."""

    first: int
    last: int
    size_bytes: int
    address: int = -1


@dataclass
class AddressAssign(Pass):
    """Give every weight and every tensor that passes through global memory its address."""

    name: ClassVar[str] = "address-assign"
    takes: ClassVar[State | None] = State.TPU_DIVIDED
    gives: ClassVar[State | None] = State.TPU_ADDRESSED
    reuse_addr: bool = True

    def apply(self, model: Model) -> None:
        addresses: dict[str, int] = {}
        end = GLOBAL_MEMORY
        for value in weights_of(model):
            addresses[tensor_name(value)] = end
            end += pages(size_of_value(value))
        coefficient_bytes = end - GLOBAL_MEMORY
        lives = lives_of(model, list(steps_of(model)))
        unique = list({id(life): life for life in lives.values()}.values())
        neuron_bytes = place(unique, is_reused=self.reuse_addr)
        addresses |= {name: end + life.address for name, life in lives.items()}
        _set_addresses(model, addresses)
        for name, value in (("coeff_addr", GLOBAL_MEMORY), ("coeff_size", coefficient_bytes), ("dynamic_coeff_offset", coefficient_bytes),
                            ("neuron_addr", end), ("neuron_size", neuron_bytes)):
            model.set_attribute(name, value, of_inner=True)


def weights_of(model: Model) -> list[SSAValue]:
    """The weights, in program order."""
    return [op.results[0] for function in model.functions for op in function.body.block.ops if op.name == "top.Weight"]


def lives_of(model: Model, steps: list[Step]) -> dict[str, Life]:
    """The life of every tensor that passes through global memory, by name; an alias has the life of its source."""
    lives = {tensor_name(op.results[0]): Life(0, 0, pages(size_of_value(op.results[0]))) for op in model.inputs}
    for index, step in enumerate(steps):
        if isinstance(step, AliasStep):
            lives[step.kernel.name] = lives[tensor_name(step.kernel.activations[0])]
        for value in made_by(step):
            lives[tensor_name(value)] = Life(index, index, pages(size_of_value(value)))
        for value in read_by(step):
            life = lives.get(tensor_name(value))
            if life is not None:
                life.last = index
    for value in chip_outputs(model):
        lives[tensor_name(value)].last = len(steps)
    return lives


def made_by(step: Step) -> list[SSAValue]:
    """What a step stores to global memory."""
    if isinstance(step, AliasStep):
        return []
    kernels = step.kernels if isinstance(step, GroupStep) else [step.kernel]
    return [k.out for k in kernels if isinstance(step, GlobalStep) or k.name in step.outputs]


def read_by(step: Step) -> Iterable[SSAValue]:
    """What a step reads of global memory."""
    kernels = step.kernels if isinstance(step, GroupStep) else [step.kernel]
    made = step.made if isinstance(step, GroupStep) else set()
    return [v for k in kernels for v in k.activations if not is_weight(v) and tensor_name(v) not in made]


def place(lives: list[Life], *, is_reused: bool) -> int:
    """Set the addresses, from 0: largest first, each at the lowest place that is free during its life. The bytes in use."""
    placed: list[Life] = []
    total = 0
    for life in sorted(lives, key=lambda x: (-x.size_bytes, x.first)):
        busy = sorted((p.address, p.address + p.size_bytes) for p in placed if not is_reused or (p.first <= life.last and life.first <= p.last))
        address = 0
        for start, stop in busy:
            if start >= address + life.size_bytes:
                break
            address = max(address, stop)
        life.address = address
        placed.append(life)
        total = max(total, address + life.size_bytes)
    return total


def _set_addresses(model: Model, addresses: dict[str, int]) -> None:
    def assign(value: SSAValue) -> None:
        address = addresses.get(tensor_name(value)) if value.type.name == "tensor" else None
        if address is not None:
            value._type = with_address(value.type, address)  # type: ignore[arg-type]

    for function in model.functions:
        is_main = function.sym_name.data == "main"
        if not is_main:
            for argument in function.args:
                assign(argument)
        for op in function.body.block.ops:
            if op.name != "func.call":
                for result in op.results:
                    assign(result)
            for region in op.regions:
                for inner in region.block.ops:
                    if inner.name == "tpu.Store":
                        assign(inner.results[0])
    for function in model.functions:
        for op in function.body.block.ops:
            if op.name == "func.call":
                called = model.function(op.callee.string_value())
                for result, value in zip(op.results, called.body.block.last_op.operands):  # type: ignore[union-attr]
                    result._type = value.type
    model.update_function_types()
