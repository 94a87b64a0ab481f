"""weight-reorder: the constants of an op become one block in the chip's layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import ModuleOp, StringAttr

from tpuc_bm1684x.codegen.emit import merged_name
from tpuc_bm1684x.kernels import LocalKernel, kernel_for
from tpuc_core.ir import Model, State, TensorOp, tensor_name
from tpuc_core.passes import Pass

MERGED_ATTRIBUTES = ("multiplier", "rshift", "multipliers", "rshifts")


@dataclass
class WeightReorder(Pass):
    """Lay out filters, biases, requantization and tables as the chip reads them, one block an op."""

    name: ClassVar[str] = "weight-reorder"
    takes: ClassVar[State | None] = State.TPU_LOWERED
    gives: ClassVar[State | None] = State.TPU_REORDERED

    def apply(self, model: Model) -> None:
        for op in model.ops():
            kernel = kernel_for(op)  # type: ignore[arg-type]
            if isinstance(kernel, LocalKernel) and kernel.constants():
                merge(model, op, kernel)  # type: ignore[arg-type]
        _drop_unused_weights(model)
        model.set_attribute("inputs", [tensor_name(op.results[0]) for op in model.inputs])
        model.set_attribute("outputs", [tensor_name(value) for value in model.outputs])
        _make_inner_module(model)


def merge(model: Model, op: TensorOp, kernel: LocalKernel) -> None:
    """Replace the weights of an op by its block."""
    arrays = kernel.constant_arrays(model)
    block = np.concatenate([block.pack(kernel.chunk_arrays(arrays, chunk)) for chunk, block in kernel.blocks])
    merged = model.add_weight(merged_name(kernel), block.view(np.int8).reshape(1, 1, 1, -1), op)
    op.operands[1] = merged
    if len(op.operands) > 2:
        op.operands[2] = model.none(op)
        op.set(with_bias="bias" in arrays)
    if op.name == "tpu.Conv2D":
        op.set(coeff_merged=True)
    if "requantization" in arrays:
        for name in MERGED_ATTRIBUTES:
            op.set(**{name: None})


def _drop_unused_weights(model: Model) -> None:
    for op in list(model.main.body.block.ops):
        if op.name == "top.Weight" and not op.results[0].uses:
            model.weights.pop(tensor_name(op.results[0]), None)
            op.detach()
            op.erase()


def _make_inner_module(model: Model) -> None:
    """From here on the functions are in a module of their own: one for each device."""
    inner = ModuleOp([], sym_name=StringAttr(model.name))
    for function in model.functions:
        function.detach()
        inner.body.block.add_op(function)
    model.module.body.block.add_op(inner)
    model.set_attribute("device_id", 0, of_inner=True)
    model.set_attribute("step", 0, of_inner=True)
