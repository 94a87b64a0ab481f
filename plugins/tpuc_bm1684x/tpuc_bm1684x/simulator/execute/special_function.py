"""SFU, sSFU: power series, exponents, reciprocal square root."""

from __future__ import annotations

import numpy as np
from tpuc_kernels import special

from tpuc_bm1684x.isa.kinds import ElementType
from tpuc_bm1684x.isa.memory_map import EU_BYTES, LANES
from tpuc_bm1684x.simulator.execute.arithmetic import has_bf16, kind_name
from tpuc_bm1684x.simulator.execute.binding import Context, Step, executes
from tpuc_bm1684x.simulator.execute.operands import LocalTensor, aligned_tensor, dtype_of, result_shape
from tpuc_core.errors import TpucError

TAYLOR_4X, TAYLOR, NORMALIZE, RSQRT = 12, 13, 15, 17
NORMALIZED = {ElementType.F32: ElementType.I32, ElementType.F16: ElementType.I16, ElementType.BF16: ElementType.I16}


@executes("SFU", "sSFU")
def bind_special_function(context: Context) -> Step:
    """result = function(opd0), of floats."""
    kind, result_kind, bf16 = context["opd0_prec"], context["res0_prec"], has_bf16(context, "opd0")
    shape = result_shape(context)
    if kind not in NORMALIZED:
        raise context.not_modelled(f"a special function of type {kind}")
    x, result = (
        aligned_tensor(context, "opd0", shape, dtype_of(context, "opd0")),
        aligned_tensor(context, "res0", shape, dtype_of(context, "res0")),
    )
    if context.operation == NORMALIZE and result_kind in (kind, NORMALIZED[ElementType(kind)]):
        name = kind_name(context, "res0")
        return lambda: result.store(special.normalize(x.load(), name, bf16=bf16))
    if context.operation == RSQRT and kind == result_kind == ElementType.F32 and context["opd2_n_str"] < 4:
        iterations = context["opd2_n_str"] + 1
        return lambda: result.store(special.rsqrt(x.load(), iterations))
    if context.operation in (TAYLOR, TAYLOR_4X) and kind == result_kind:
        coefficients = _Coefficients(context, shape[1], x.dtype)
        return lambda: result.store(special.taylor(x.load(), coefficients.load(), bf16=bf16))
    raise context.not_modelled(f"operation {context.operation} from type {kind} to type {result_kind}")


class _Coefficients:
    """The coefficients of a series: every lane has its own copy, which normally are the same."""

    def __init__(self, context: Context, channels: int, dtype: np.dtype):
        count = context["opd1_n"]
        if count < 2 or context["opd1_addr"] % EU_BYTES:
            raise TpucError(
                f"a series of {count} coefficients at {context['opd1_addr']:#x}; "
                f"2 or more at a multiple of {EU_BYTES} would be right"
            )
        self.channels, shape = channels, (1, min(channels, LANES), 1, count)
        self.tensor = LocalTensor(context.memory, "opd1", context["opd1_addr"], shape, (0, 0, 0, 1), dtype)

    def load(self) -> np.ndarray:
        """[k] if all lanes have the same bits, else [c, k]."""
        rows = self.tensor.load()[0, :, 0]
        raw = rows.view(f"u{rows.dtype.itemsize}")
        if (raw == raw[0]).all():
            return rows[0]
        return rows[np.arange(self.channels) % LANES]
