"""CMP, sCMP: compare and select."""

from __future__ import annotations

import numpy as np
from tpuc_kernels import compare

from tpuc_bm1684x.isa.kinds import Layout
from tpuc_bm1684x.simulator.execute.arithmetic import has_bf16
from tpuc_bm1684x.simulator.execute.binding import Context, Step, executes
from tpuc_bm1684x.simulator.execute.operands import (
    Load,
    LocalTensor,
    aligned_tensor,
    constant_array,
    dtype_of,
    element_type,
    result_shape,
)

GREATER_BOTH, GREATER, EQUAL, LESS_BOTH, LESS = 22, 23, 24, 25, 26
CONDITION = {GREATER_BOTH: "gt", GREATER: "gt", EQUAL: "eq", LESS_BOTH: "lt", LESS: "lt"}


@executes("CMP", "sCMP")
def bind_compare(context: Context) -> Step:
    """res0 = opd0 [condition] opd1 ? opd2 : opd3. In the variants with both, that is res1; res0 is opd0 or opd1."""
    if context.operation not in CONDITION:
        raise context.not_modelled(f"operation {context.operation}")
    condition, bf16, shape = CONDITION[context.operation], has_bf16(context, "opd0"), result_shape(context)
    compared = dtype_of(context, "opd0")
    chosen = np.dtype(f"u{element_type(context, context['opd2_prec']).size_bytes}")
    a, b = _operand(context, "opd0", compared), _operand(context, "opd1", compared)
    c, d = _operand(context, "opd2", chosen), _operand(context, "opd3", chosen)

    def choose() -> np.ndarray:
        result = compare.select(condition, a(), b(), _any_bits(c()), _any_bits(d()), bf16=bf16)
        return np.broadcast_to(result, shape)

    if context.operation not in (GREATER_BOTH, LESS_BOTH):
        result = aligned_tensor(context, "res0", shape, chosen)
        return lambda: result.store(choose())
    result, second = aligned_tensor(context, "res0", shape, compared), aligned_tensor(context, "res1", shape, chosen)

    def choose_both() -> None:
        x, y = a(), b()
        first, other = compare.select(condition, x, y, x, y, bf16=bf16, flushes=True), choose()
        result.store(np.broadcast_to(first, shape))
        second.store(other)

    return choose_both


def _any_bits(array: np.ndarray) -> np.ndarray:
    """Elements that are moved as bits: as signed integers, which no kernel takes for bf16."""
    return array.view(f"i{array.dtype.itemsize}")


def _operand(context: Context, name: str, dtype: np.dtype) -> Load:
    if context.field(f"{name}_const", 0):
        value = constant_array(context[f"{name}_addr"], dtype)
        return lambda: value
    if context.field(f"{name}_str", 0) == Layout.STRIDED and name in ("opd0", "opd1"):  # one element in every lane
        n_c = (1, context["res0_c"], 1, 1)
        return LocalTensor(context.memory, name, context[f"{name}_addr"], n_c, (0, 0, 0, 0), dtype).load
    if context.field(f"{name}_str", 0) not in (Layout.ALIGNED,):
        raise context.not_modelled(f"{name}_str {context.field(f'{name}_str')}")
    return aligned_tensor(context, name, result_shape(context), dtype).load
