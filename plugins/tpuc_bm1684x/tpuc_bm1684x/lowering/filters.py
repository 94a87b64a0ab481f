"""Filters and biases in integers: quantized here, or taken as they are where the model brings them quantized.

A weight that is quantized already has a `!quant.uniform` element type: 8 bits, signed or not, one scale or one for each output
channel, one zero point. Its bias is i32, in steps of weight scale times input scale.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tpuc_bm1684x.lowering.quantize import quantize_bias, quantize_filter, round_half_away
from tpuc_core.errors import TpucError
from tpuc_core.ir import element_type_of, input_means, is_none, shape_of, storage_of, tensor_name
from tpuc_core.ir.dialects.quant import UniformType

if TYPE_CHECKING:
    from xdsl.ir import SSAValue

    from tpuc_core.ir import Model, TensorOp
    from tpuc_core.plan import TensorQuantization

LARGEST_SUM = 2**31 - 1
LARGE_BIAS = 2**24
"""Steps of a bias that a scale is made for: the factor that makes 8 bits of such a sum has 13 bits."""


@dataclass(frozen=True)
class IntegerFilter:
    """values: int8, output channels first; scales: [oc] or [1]; real = (value - zero_point) * scale."""

    values: np.ndarray
    scales: np.ndarray
    zero_point: int = 0

    @staticmethod
    def quantized(weights: np.ndarray) -> IntegerFilter:
        """Of f32 weights [oc, ...]: a scale for each output channel, zero point 0."""
        return IntegerFilter(*quantize_filter(weights))

    @staticmethod
    def of(value: SSAValue, model: Model) -> IntegerFilter:
        """Of a weight [oc, ...], in floats or quantized."""
        return stored_integers(value, model) or IntegerFilter.quantized(model.weight(value))

    def sums(self) -> np.ndarray:
        """The sum of value - zero_point over each output channel, int64 [oc]."""
        rows = self.values.reshape(self.values.shape[0], -1).astype(np.int64)
        return rows.sum(axis=1) - self.zero_point * rows.shape[1]

    def real(self) -> np.ndarray:
        """What the integers stand for, float64, in the shape of `values`."""
        scales = self.scales.astype(np.float64).reshape(-1, *(1,) * (self.values.ndim - 1))
        return (self.values.astype(np.float64) - self.zero_point) * scales

    def steps(self, given: TensorQuantization) -> np.ndarray:
        """What one step of a sum over products stands for, f64 [oc] or [1]."""
        return self.scales.astype(np.float64) * given.scale

    def holding(self, bias: np.ndarray | None, given: TensorQuantization) -> IntegerFilter:
        """With a larger scale for each channel whose bias, f32 [oc], would not fit 32 bits: beside such a bias its products, of an input
        that is all but zero, are too small to be seen."""
        if bias is None or not (is_beyond := np.abs(bias / self.steps(given)) > LARGEST_SUM).any():
            return self
        scales = np.broadcast_to(self.scales, bias.shape)
        larger = np.where(is_beyond, np.abs(bias) / (LARGE_BIAS * given.scale), scales)
        ratio = (scales / larger).reshape(-1, *(1,) * (self.values.ndim - 1))
        return replace(self, values=round_half_away(self.values * ratio).astype(np.int8), scales=larger)


def is_stored(value: SSAValue) -> bool:
    """Whether a weight is quantized already."""
    return isinstance(element_type_of(value), UniformType)


def stored_integers(value: SSAValue, model: Model) -> IntegerFilter | None:
    """A weight that is quantized already, as signed integers; None where it is not. Raises TpucError for several zero points."""
    element = element_type_of(value)
    if not isinstance(element, UniformType):
        return None
    uniform, values = element.data, model.weight(value)
    zero_points = set(uniform.zero_points)
    if len(zero_points) != 1:
        raise TpucError(f'weight "{tensor_name(value)}" has {len(zero_points)} different zero points; the chip has one for a filter')
    zero_point = zero_points.pop()
    if uniform.storage == "u8":
        values, zero_point = (values.astype(np.int16) - 128).astype(np.int8), zero_point - 128
    return IntegerFilter(values.astype(np.int8), np.array(uniform.scales), zero_point)


def corrected_bias(op: TensorOp, model: Model, filters: IntegerFilter) -> SSAValue | np.ndarray:
    """The bias of an op with a filter, float32 [oc], less what the rounding of its weights adds to the results on average: (rounded -
    weight) times the mean input that calibration measured, and of a convolution times the coverage of that place of the kernel. The op's
    own bias where nothing is known of the means, or nothing was rounded.
    """
    bias, means = op.operands[2], input_means(model, op)
    if means is None or is_stored(op.operands[1]):
        return bias
    weights = model.weight(op.operands[1])
    if op.name == "top.MatMul" and not op.get("right_transpose"):
        weights = weights.T
    errors = filters.real() - weights
    if op.name == "top.Conv":
        errors *= coverage(op, weights.shape[2:])
    channels, inputs = weights.shape[:2]
    errors = errors.reshape(channels, inputs, -1).sum(axis=2)
    group = means.size // inputs
    shifts = (errors * np.repeat(means.reshape(group, inputs), channels // group, axis=0)).sum(axis=1)
    if not shifts.any():
        return bias
    return ((0.0 if is_none(bias) else model.weight(bias).reshape(-1)) - shifts).astype(np.float32)


def coverage(op: TensorOp, kernel: tuple[int, ...]) -> np.ndarray:
    """For each place of a convolution's kernel: the share of the results for which it lies on the input, not on padding; in the kernel's shape."""
    given, results = shape_of(op.operands[0])[2:], shape_of(op.results[0])[2:]
    strides, pads, dilations = op.get("strides"), op.get("pads"), op.get("dilations") or [1] * len(given)
    shares = np.ones(kernel)
    for axis, (size, count) in enumerate(zip(given, results)):  # a kernel of a line may have an axis more, of one place
        places = np.arange(count)[:, None] * strides[axis] - pads[axis] + np.arange(kernel[axis]) * dilations[axis]
        share = ((places >= 0) & (places < size)).mean(axis=0)
        shares *= share.reshape([-1 if i == axis else 1 for i in range(len(kernel))])
    return shares


def float_bias(value: SSAValue | np.ndarray | None, model: Model) -> np.ndarray | None:
    """A bias in floats, [oc]; None where there is none, or where it is quantized already."""
    if value is None or isinstance(value, np.ndarray):
        return value
    return None if is_none(value) or storage_of(value) == "i32" else model.weight(value).reshape(-1)


def integer_bias(value: SSAValue | np.ndarray | None, model: Model, filters: IntegerFilter, given: TensorQuantization) -> np.ndarray | None:
    """int32 [oc]: the bias in steps of the sum, less what the input's zero point adds to the sum. None where it would be 0.

    `value`: a weight, floats [oc], or nothing.
    """
    if value is None or (not isinstance(value, np.ndarray) and is_none(value)):
        if not given.zero_point:
            return None
        bias = np.zeros(filters.values.shape[0], np.int64)
    elif not isinstance(value, np.ndarray) and storage_of(value) == "i32":
        bias = model.weight(value).reshape(-1).astype(np.int64)
    else:
        floats = value if isinstance(value, np.ndarray) else model.weight(value)
        bias = quantize_bias(floats.reshape(-1), filters.steps(given)).astype(np.int64)
    return np.clip(bias - filters.sums() * given.zero_point, -(2**31), 2**31 - 1).astype(np.int32)
