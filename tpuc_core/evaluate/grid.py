"""Real values of quantized tensors: those that their integers stand for, as TFLite rounds to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tpuc_core.ir import element_type_of, is_weight, quantization_of, shape_of
from tpuc_core.ir.dialects.quant import UniformType
from tpuc_core.plan import TensorQuantization

if TYPE_CHECKING:
    from xdsl.ir import Operation, SSAValue

_CHANNEL_AXIS = {"top.Conv": 1, "top.Deconv": 1, "top.MatMul": -1}


@dataclass(frozen=True)
class Grid:
    """The values of a quantized tensor. `excess`: how far below a half, in steps, a value is already rounded away from zero."""

    quantization: TensorQuantization
    excess: np.ndarray | float = 0.0

    def nearest(self, array: np.ndarray) -> np.ndarray:
        """Each value as the nearest one of the grid, halves away from zero; float32."""
        (low, high), zero_point = self.quantization.limits, self.quantization.zero_point
        scale = np.float32(self.quantization.scale)
        steps = np.asarray(array / scale)
        steps = np.trunc(steps + np.copysign(np.float32(0.5) + np.asarray(self.excess, np.float32), steps))
        return (np.clip(steps, low - zero_point, high - zero_point) * scale).astype(np.float32, copy=False)


def grid_of(value: SSAValue, op: Operation | None = None) -> Grid | None:
    """The grid of a tensor that `op` makes; None where it is not quantized."""
    quantization = quantization_of(value)
    if quantization is None:
        return None
    return Grid(quantization, 0.0 if op is None else _excess(op, quantization))


def _excess(op: Operation, quantization: TensorQuantization) -> np.ndarray | float:
    """Sums of products are rounded twice: `sum * m / 2^31`, m in [2^30, 2^31), to an integer, and that, `>> n`, once more.

    So what lies within 2^-(n+1) below a half counts as a half. Source: MultiplyByQuantizedMultiplier of LiteRT's reference kernels.
    """
    axis = _CHANNEL_AXIS.get(op.name)
    given = quantization_of(op.operands[0]) if axis is not None else None
    weight = op.operands[1] if given is not None else None
    if axis is None or given is None or weight is None or not is_weight(weight):
        return 0.0
    element = element_type_of(weight)
    if not isinstance(element, UniformType):
        return 0.0
    factors = np.array(element.data.scales) * given.scale / quantization.scale
    excess = np.exp2(np.minimum(np.frexp(factors)[1], 0) - 1.0)
    excess[np.frexp(factors)[1] >= 0] = 0.0
    shape = [1] * len(shape_of(op.results[0]))
    shape[axis] = -1
    return excess.astype(np.float32).reshape(shape)
