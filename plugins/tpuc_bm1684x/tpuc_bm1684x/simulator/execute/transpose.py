"""TRANSBC, sTRANSBC: exchange of c and w, copies between lanes, copies from static memory. Bits move as they are."""

from __future__ import annotations

import numpy as np

from tpuc_bm1684x.isa.memory_map import STATIC_BASE
from tpuc_bm1684x.simulator.execute.binding import Context, Step, executes
from tpuc_bm1684x.simulator.execute.operands import LocalTensor, aligned_tensor, element_type, result_shape
from tpuc_bm1684x.simulator.memory import aligned, compact, line_aligned, split_local
from tpuc_core.errors import TpucError

CW_TRANSPOSE, WC_TRANSPOSE, LANE_COPY, LANE_BROADCAST, STATIC_BROADCAST, STATIC_DISTRIBUTE = range(6)


@executes("TRANSBC", "sTRANSBC")
def bind_transpose(context: Context) -> Step:
    """The result is made of the operand's elements in another order or place."""
    operation = context.operation
    dtype = np.dtype(f"u{element_type(context, context['res0_prec']).size_bytes}")
    shape = n, c, h, w = result_shape(context)
    if operation in (STATIC_BROADCAST, STATIC_DISTRIBUTE):
        return _bind_static(context, dtype)
    if operation > LANE_BROADCAST:
        raise context.not_modelled(f"operation {operation}")
    layout = line_aligned if operation == CW_TRANSPOSE else aligned
    address = context["res0_addr"]
    strides = layout(shape, dtype.itemsize, split_local(address)[0])
    result = LocalTensor(context.memory, "res0", address, shape, strides, dtype, context.lane_mask)
    if operation in (CW_TRANSPOSE, WC_TRANSPOSE):
        source = aligned_tensor(context, "opd0", (n, w, h, c), dtype)
        return lambda: result.store(source.load().transpose(0, 3, 2, 1))
    source = aligned_tensor(context, "opd0", (n, c if operation == LANE_COPY else 1, h, w), dtype)
    if operation == LANE_COPY:
        return lambda: result.store(source.load())
    return lambda: result.store(np.broadcast_to(source.load(), shape))


def _bind_static(context: Context, dtype: np.dtype) -> Step:
    c, w = context["res0_c"], context["res0_w"]
    is_broadcast = context.operation == STATIC_BROADCAST
    count = w if is_broadcast else c
    first = context["opd0_addr"] - STATIC_BASE
    if not 0 <= first <= context.memory.static.size - count * dtype.itemsize:
        raise TpucError(f"opd0_addr {context['opd0_addr']:#x}: {count} elements from there do not lie in static memory")
    source = context.memory.static[first : first + count * dtype.itemsize]
    shape = (1, c, 1, w) if is_broadcast else (1, c, 1, 1)
    layout = aligned if is_broadcast else compact
    strides = layout(shape, dtype.itemsize, split_local(context["res0_addr"])[0])
    result = LocalTensor(context.memory, "res0", context["res0_addr"], shape, strides, dtype, context.lane_mask)

    def copy_static() -> None:
        values = np.frombuffer(source.tobytes(), dtype)
        result.store(np.broadcast_to(values.reshape((1, 1, 1, w) if is_broadcast else (1, c, 1, 1)), shape))

    return copy_static
