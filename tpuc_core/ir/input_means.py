"""The mean of what goes into each channel of a filter, measured by calibration.

Rounding the weights of a filter changes its results by (rounded - weight) * input. Inputs mostly have a mean that is not zero, so
part of that is the same for every sample: a shift, which the bias can take back where the mean is known.
Source: M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tpuc_core.ir.dialects.base import TensorOp
from tpuc_core.ir.types import is_weight, shape_of, tensor_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xdsl.ir import Operation

    from tpuc_core.ir.module import Model

SUFFIX = "_input_means"
"""The arrays are kept beside the weights, under the name of the op's result with this behind it."""


def channel_axis(op: Operation) -> int | None:
    """The axis of the first operand that holds the input channels, of an op with a constant filter; None for other ops."""
    if not isinstance(op, TensorOp) or len(op.operands) < 2 or not is_weight(op.operands[1]):
        return None
    if op.name == "top.Conv":
        return 1
    is_matrix = op.name == "top.MatMul" and len(shape_of(op.operands[1])) == 2 and not op.get("left_transpose")
    return len(shape_of(op.operands[0])) - 1 if is_matrix else None


def channel_count(op: Operation) -> int:
    """How many input channels the filter of such an op has; 0 for other ops."""
    axis = channel_axis(op)
    return 0 if axis is None else shape_of(op.operands[0])[axis]


def input_means(model: Model, op: Operation) -> np.ndarray | None:
    """float64 [channels], None where no calibration measured them."""
    return model.weights.get(tensor_name(op.results[0]) + SUFFIX)


def set_input_means(model: Model, op: Operation, means: np.ndarray) -> None:
    """Keep them with the model."""
    model.weights[tensor_name(op.results[0]) + SUFFIX] = np.asarray(means, np.float64)


def names_of_input_means(model: Model, ops: Iterable[Operation]) -> list[str]:
    """Under which names the model keeps those of these ops."""
    names = (tensor_name(op.results[0]) + SUFFIX for op in ops if channel_axis(op) is not None)
    return [name for name in names if name in model.weights]
