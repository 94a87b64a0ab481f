"""Several float ops in place of one: each takes the result of the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tpuc_core.ir import shape_of, tensor_name, tpu

if TYPE_CHECKING:
    import numpy as np
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

    def multiply(self, matrix: np.ndarray, suffix: str) -> Self:
        """[rows, k] times a constant [k, n], the weight `OP_suffix`."""
        none = self.lowering.none(self.op)
        weight = self.lowering.float_weight(self.op, suffix, matrix)
        return self.add(tpu.MatMulOp, (shape_of(self.value)[0], matrix.shape[1]), weight, none, none, none)

    def end_with_reshape(self) -> SSAValue:
        """The value in the shape, type and name of the op's result."""
        result = self.op.results[0]
        return self.lowering.emit(self.op, tpu.ReshapeOp, [self.value], self.lowering.result_type(self.op), shape=list(shape_of(result)))
