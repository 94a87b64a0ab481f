import numpy as np
import pytest
from xdsl.irdl import irdl_op_definition

from tpuc_core.errors import TpucError
from tpuc_core.ir import shape_of, top
from tpuc_core.ir.dialects.base import UnaryOp
from tpuc_core.plan import Precision
from tpuc_core.plugins import plugins
from tpuc_core.testing import check_coverage, check_equality, check_op, check_round_trip, one_op_model, uniform_plan

FILTER = np.ones((4, 3, 3, 3), np.float32)
CONV = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1] * 4}


class Chip:
    """The chip, but for what it answers or does."""

    name = "liar"

    def __init__(self, supports=lambda op, precision: None, lower=None):
        self.supports = supports
        self.lower = lower or plugins().chip("bm1684x").lower


def test_a_model_of_one_op_has_inputs_weights_and_its_shape():
    model = one_op_model(top.ConvOp, (1, 3, 8, 8), FILTER, None, **CONV)
    assert shape_of(model.outputs[0]) == (1, 4, 8, 8)
    assert [shape_of(op.results[0]) for op in model.inputs] == [(1, 3, 8, 8)]
    check_round_trip(model)


def test_an_op_is_evaluated():
    assert check_op(top.ReluOp, (2, 3)).min() == 0


def test_an_op_without_a_docstring_or_an_evaluation_is_named():
    @irdl_op_definition
    class NakedOp(UnaryOp):
        name = "test.Naked"

    NakedOp.__doc__ = None
    with pytest.raises(AssertionError, match=r"test\.Naked has no docstring"):
        check_op(NakedOp, (1, 2))
    NakedOp.__doc__ = "y = x."
    with pytest.raises((AssertionError, TpucError), match=r"test\.Naked"):
        check_op(NakedOp, (1, 2))


def test_a_chip_that_supports_what_it_does_not_lower_is_found_out():
    def lower(model, plan):
        raise TpucError("no form of it")

    with pytest.raises(AssertionError, match=r"relu in F32: liar supports it, but does not lower it: no form of it"):
        check_coverage(Chip(lower=lower), {"relu": one_op_model(top.ReluOp, (1, 2))})


def test_reasons_are_noun_phrases():
    with pytest.raises(AssertionError, match="no noun phrase"):
        check_coverage(Chip(supports=lambda op, precision: "It cannot."), {"relu": one_op_model(top.ReluOp, (1, 2))})


def test_the_chip_of_this_repository_passes(tmp_path):
    chip, model = plugins().chip("bm1684x"), one_op_model(top.ConvOp, (1, 3, 8, 8), FILTER, None, **CONV)
    (case,) = check_coverage(chip, {"conv": model})
    assert case.reason == "" and case.precision is Precision.F32
    tensors = check_equality(chip, plugins().runner(".bmodel", "simulator"), model, tmp_path, plan=uniform_plan(model, Precision.F32))
    assert tensors["y"].shape == (1, 4, 8, 8)
