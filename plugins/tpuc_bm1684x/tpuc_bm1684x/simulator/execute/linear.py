"""LIN, sLIN: fused linear operations on floats."""

from __future__ import annotations

from tpuc_kernels import linear

from tpuc_bm1684x.isa.kinds import ElementType
from tpuc_bm1684x.simulator.execute.arithmetic import has_bf16
from tpuc_bm1684x.simulator.execute.binding import Context, Step, executes
from tpuc_bm1684x.simulator.execute.operands import aligned_tensor, dtype_of, element_type, per_channel, result_shape

MAC, SQUARE_SUM, SQUARE_DIFFERENCE = 1, 20, 21


@executes("LIN", "sLIN")
def bind_linear(context: Context) -> Step:
    """opd0 * opd1 + opd2, (opd0 + opd1)**2 or (opd0 - opd1)**2; opd1 and opd2 have one value per channel."""
    if not ElementType(element_type(context, context["res0_prec"])).is_float or context.operation not in (
        MAC,
        SQUARE_SUM,
        SQUARE_DIFFERENCE,
    ):
        raise context.not_modelled(f"operation {context.operation} of type {context['res0_prec']}")
    shape, dtype, bf16 = result_shape(context), dtype_of(context, "res0"), has_bf16(context, "res0")
    x, result = aligned_tensor(context, "opd0", shape, dtype), aligned_tensor(context, "res0", shape, dtype)
    b = per_channel(context, "opd1", shape[1], dtype)
    if context.operation == MAC:
        c = per_channel(context, "opd2", shape[1], dtype)
        return lambda: result.store(linear.mac(x.load(), b(), c(), bf16=bf16))
    function = linear.square_sum if context.operation == SQUARE_SUM else linear.square_difference
    return lambda: result.store(function(x.load(), b(), bf16=bf16))
