"""Small calibrated models, and a chip that runs what it is told to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tpuc_core.ir import Model, State, shape_of, tensor_type, top
from tpuc_core.plan import Precision


class ListChip:
    """Runs the named kinds in INT8, and all but the impossible ones in F32."""

    name = "listed"

    def __init__(self, int8: set[str], impossible: set[str] = frozenset()):
        self.int8, self.impossible = int8, impossible

    def supports(self, op, precision, *, is_asymmetric=False):
        if precision is Precision.INT8:
            return None if op.name in self.int8 else f"no INT8 {op.name}"
        return f"no {op.name} at all" if op.name in self.impossible else None


class ModelBuilder:
    """Adds ops one by one; every tensor has the shape [1, 4, 8, 8] unless said otherwise, and a range where one is given."""

    def __init__(self):
        self.model = Model.new("small", "ONNX", [tensor_type((1, 4, 8, 8))])
        self.block = self.model.main.body.block
        self.model.state = State.TOP_CALIBRATED

    def add(self, op_class, name: str, operands: list, low_high=None, result_shape=None, **attributes):
        shape = result_shape or (shape_of(operands[0]) if operands else (1, 4, 8, 8))
        op = op_class.make(name, operands, tensor_type(shape, calibration=low_high), **attributes)
        self.block.add_op(op)
        return op.results[0]

    def input(self, low_high=(-1.0, 1.0)):
        return self.add(top.InputOp, "x", [self.block.args[0]], low_high)

    def done(self, *values) -> Model:
        self.model.set_outputs(values)
        return self.model


@pytest.fixture
def builder() -> ModelBuilder:
    return ModelBuilder()


@pytest.fixture
def chip_that_runs() -> Callable[..., ListChip]:
    return lambda *int8, impossible=(): ListChip(set(int8), set(impossible))
