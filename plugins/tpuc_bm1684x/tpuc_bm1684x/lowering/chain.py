"""Several float ops in place of one: each takes the result of the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tpuc_core.ir import shape_of, tensor_name, tpu

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xdsl.ir import SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp


class Chain:
    """Appends ops in front of `op`; intermediate results are named after it and numbered."""

    def __init__(self, op: TensorOp, lowering: Lowering, value: SSAValue):
        self.op, self.lowering, self.value = op, lowering, value
        self._count = 0

    def add(self, op_class: Any, result_shape: tuple[int, ...], *operands: SSAValue, **attributes: Any) -> Self:
        """An op on the present value (and further operands) with a result of that shape."""
        name = f"{tensor_name(self.op.results[0])}_step{self._count}"
        self._count += 1
        self.value = self.lowering.emit(self.op, op_class, [self.value, *operands], self.lowering.float_type(result_shape), name=name, **attributes)
        return self

    def reshape(self, *shape: int) -> Self:
        """The same elements in another shape; nothing where it is the present one."""
        return self if shape == shape_of(self.value) else self.add(tpu.ReshapeOp, shape, shape=list(shape))

    def permute(self, *order: int) -> Self:
        """Output axis i is input axis order[i]."""
        shape = shape_of(self.value)
        return self.add(tpu.PermuteOp, tuple(shape[i] for i in order), self.lowering.none(self.op), order=list(order))

    def active(self, mode: str) -> Self:
        """A function of each element."""
        return self.add(tpu.ActiveOp, shape_of(self.value), mode=mode)

    def scale(self, factor: float) -> Self:
        """Each element times a constant."""
        return self.add(tpu.MulConstOp, shape_of(self.value), const_val=factor)

    def offset(self, term: float) -> Self:
        """Each element plus a constant."""
        return self.add(tpu.AddConstOp, shape_of(self.value), const_val=term)

    def reduce(self, axes: Sequence[int], mode: str) -> Self:
        """Axes that are next to each other become one element each; `mode` as tpu.Reduce names it."""
        none, axes = self.lowering.none(self.op), list(axes)
        result = tuple(1 if i in axes else n for i, n in enumerate(shape_of(self.value)))
        return self.add(tpu.ReduceOp, result, none, none, axes=axes, keepdims=True, mode=mode)

    def convolve(self, filters: np.ndarray, bias: np.ndarray | None, group: int = 1) -> Self:
        """[n, ic, h, w] by constant filters [oc, ic / group, 1, 1], and a bias [oc]: weights `OP_filterK` and `OP_biasK`."""
        weight = self.lowering.float_weight(self.op, f"filter{self._count}", filters)
        name, offset = f"bias{self._count}", self.lowering.none(self.op)
        if bias is not None:
            offset = self.lowering.weight(self.op, name, np.ascontiguousarray(bias, np.float32), "f32")
        n, _, h, w = shape_of(self.value)
        return self.add(tpu.Conv2DOp, (n, len(filters), h, w), weight, offset, kernel_shape=[1, 1], strides=[1, 1], pads=[0] * 4,
                        dilations=[1, 1], group=group, with_bias=bias is not None)

    def multiply(self, matrix: np.ndarray, suffix: str) -> Self:
        """[rows, k] times a constant [k, n], the weight `OP_suffix`."""
        none = self.lowering.none(self.op)
        weight = self.lowering.float_weight(self.op, suffix, matrix)
        return self.add(tpu.MatMulOp, (shape_of(self.value)[0], matrix.shape[1]), weight, none, none, none)

    def end_with_reshape(self) -> SSAValue:
        """The value in the shape, type and name of the op's result."""
        result = self.op.results[0]
        return self.lowering.emit(self.op, tpu.ReshapeOp, [self.value], self.lowering.result_type(self.op), shape=list(shape_of(result)))
