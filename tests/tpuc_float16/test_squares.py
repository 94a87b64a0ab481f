"""Sums of squares run in F32 where the mode is F16."""

import pytest
from tpuc_float16.quantizer import plan_float16
from tpuc_float16.squares import REASON

from tpuc_core.plan import Precision

SUM = {"axes": [2, 3], "keepdims": True, "mode": "ReduceSum"}
SQUARES = pytest.mark.parametrize("square", [("s", "Mul", "xx", {}), ("s", "Pow", "x", {"exponent": 2.0})], ids=["mul", "pow"])


def wide(plan):
    return {op.name for op in plan.fallbacks() if op.reason == REASON}


@SQUARES
def test_a_normalization_is_in_f32_up_to_its_root(square, network, chip):
    model = network(square, ("m", "Reduce", "s", SUM), ("e", "AddConst", "m", {"const_val": 1e-5}), ("r", "Sqrt", "e", {}), ("y", "Div", "xr", {}))
    assert wide(plan_float16(model, chip(), "F16", {})) == {"s", "m", "e", "r"}
    assert not plan_float16(model, chip(), "BF16", {}).fallbacks()


def test_a_power_spectrum_is_in_f32_up_to_its_logarithm(network, chip):
    model = network(("s", "Mul", "xx", {}), ("p", "Permute", "s", {"order": [0, 1, 3, 2]}), ("e", "AddConst", "p", {"const_val": 1e-5}),
                    ("y", "Log", "e", {}), ("z", "Relu", "y", {}))
    assert wide(plan_float16(model, chip(), "F16", {})) == {"s", "p", "e", "y"}


@SQUARES
def test_the_square_of_a_polynomial_stays_in_f16(square, network, chip):
    model = network(square, ("c", "Mul", "sx", {}), ("y", "Tanh", "c", {}))
    assert not plan_float16(model, chip(), "F16", {}).fallbacks()


def test_a_branch_that_ends_in_no_sum_stays_in_f16(network, chip):
    model = network(("s", "Mul", "xx", {}), ("b", "AddConst", "s", {"const_val": 1.0}), ("m", "Reduce", "s", SUM), ("y", "Mul", "bm", {}))
    assert wide(plan_float16(model, chip(), "F16", {})) == {"s", "m"}


def test_the_quantization_table_comes_first(network, chip):
    model = network(("s", "Mul", "xx", {}), ("y", "Reduce", "s", SUM))
    assert wide(plan_float16(model, chip(), "F16", {"s": Precision.F16})) == {"y"}
