"""A small model, and a chip that runs what it is told to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tpuc_core.ir import Model, State, tensor_type, top
from tpuc_core.plan import Precision


class ListChip:
    """Runs everything but the named kinds in 16 bits, and everything in F32; in INT8 the named others."""

    name = "listed"

    def __init__(self, not_in_16_bits: set[str], int8: set[str]):
        self.not_in_16_bits, self.int8 = not_in_16_bits, int8

    def supports(self, op, precision, *, is_asymmetric=False):
        if precision is Precision.INT8:
            return None if op.name in self.int8 else f"no INT8 {op.name}"
        return f"no {precision} {op.name}" if precision is not Precision.F32 and op.name in self.not_in_16_bits else None


@pytest.fixture
def chip() -> Callable[..., ListChip]:
    return lambda *not_in_16_bits, int8=(): ListChip(set(not_in_16_bits), set(int8))


@pytest.fixture
def chain() -> Callable[..., Model]:
    """x -> a (SiLU) -> r (Reshape) -> s (Softmax), calibrated or not."""

    def build(is_calibrated: bool = False) -> Model:
        model = Model.new("small", "ONNX", [tensor_type((1, 4, 8, 8))])
        block = model.main.body.block
        model.state = State.TOP_CALIBRATED if is_calibrated else State.TOP_F32

        def add(op_class, name, operand, result_shape, **attributes):
            result = tensor_type(result_shape, calibration=(-1.0, 1.0) if is_calibrated else None)
            op = op_class.make(name, [operand], result, **attributes)
            block.add_op(op)
            return op.results[0]

        x = add(top.InputOp, "x", block.args[0], (1, 4, 8, 8))
        a = add(top.SiLUOp, "a", x, (1, 4, 8, 8))
        r = add(top.ReshapeOp, "r", a, (1, 256), shape=[1, 256])
        model.set_outputs([add(top.SoftmaxOp, "s", r, (1, 256), axis=1)])
        return model

    return build


@pytest.fixture
def network() -> Callable[..., Model]:
    """A model out of (name, kind, operand names, attributes), all [1, 4, 8, 8], "x" first; the last op is the output."""

    def build(*ops: tuple[str, str, str, dict]) -> Model:
        model = Model.new("chain", "ONNX", [tensor_type((1, 4, 8, 8))])
        block = model.main.body.block
        values = {}
        for name, kind, operands, attributes in (("x", "Input", "", {}), *ops):
            given = [values[operand] for operand in operands] or [block.args[0]]
            op = getattr(top, f"{kind}Op").make(name, given, tensor_type((1, 4, 8, 8)), **attributes)
            block.add_op(op)
            values[name] = op.results[0]
        model.set_outputs([values[ops[-1][0]]])
        return model

    return build
