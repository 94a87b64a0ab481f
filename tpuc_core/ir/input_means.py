"""The mean of what goes into each input channel of a filter, measured by calibration.

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

SUFFIX = " input means"
"""The arrays are kept beside the weights, under the name of the op's result with this behind it; no calibrated tensor has a blank in its name."""
FILTERING = {"top.Conv", "top.MatMul"}


def filter_input_axis(op: Operation) -> int | None:
    """The axis of the first operand that holds the input channels, of an op with a constant filter; None for other ops."""
    if not isinstance(op, TensorOp) or op.name not in FILTERING or is_weight(op.operands[0]) or not is_weight(op.operands[1]):
        return None
    if op.name == "top.Conv":
        return 1
    is_matrix = len(shape_of(op.operands[1])) == 2 and not op.get("left_transpose")
    return len(shape_of(op.operands[0])) - 1 if is_matrix else None


def filter_inputs(op: Operation) -> int:
    """How many input channels the filter of such an op has; 0 for other ops."""
    axis = filter_input_axis(op)
    return 0 if axis is None else shape_of(op.operands[0])[axis]


def input_means(model: Model, op: Operation) -> np.ndarray | None:
    """float64 [channels], None where no calibration measured them."""
    return model.weights.get(_key(op))


def set_input_means(model: Model, op: Operation, means: np.ndarray | None) -> None:
    """Keep them with the model; None: they are not known, or no longer."""
    if means is not None:
        model.weights[_key(op)] = np.asarray(means, np.float64)
    elif _key(op) in model.weights:
        del model.weights[_key(op)]


def names_of_input_means(model: Model, ops: Iterable[Operation]) -> list[str]:
    """Under which names the model keeps those of these ops."""
    return [key for op in ops if op.name in FILTERING and (key := _key(op)) in model.weights]


def _key(op: Operation) -> str:
    return tensor_name(op.results[0]) + SUFFIX
