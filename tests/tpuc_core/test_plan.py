"""Quantization tables and plans as data."""

import json

import pytest

from tpuc_core.errors import TpucError
from tpuc_core.plan import OpPlan, Plan, Precision, TensorQuantization, fallback_table, read_quantization_table


def test_a_quantization_table_is_names_and_modes(tmp_path):
    path = tmp_path / "qtable"
    path.write_text("# op_name   quantize_mode\na_Conv F32\n\nb_Conv  int8  # back again\n")
    assert read_quantization_table(path) == {"a_Conv": Precision.F32, "b_Conv": Precision.INT8}


def test_an_unknown_mode_names_the_valid_ones(tmp_path):
    (tmp_path / "qtable").write_text("a_Conv F23\n")
    with pytest.raises(TpucError, match=r'unknown mode "F23"; valid: F32.*did you mean'):
        read_quantization_table(tmp_path / "qtable")


def test_a_line_of_another_form_is_named_by_its_number(tmp_path):
    (tmp_path / "qtable").write_text("a_Conv F32\nb_Conv\n")
    with pytest.raises(TpucError, match="line 2"):
        read_quantization_table(tmp_path / "qtable")


def test_a_plan_is_plain_data():
    plan = Plan("INT8", ops={"a": OpPlan("a", "top.Conv", Precision.F32, "a reason")}, tensors={"a": TensorQuantization(0.5)})
    data = plan.as_json()
    assert json.loads(json.dumps(data)) == data and data["ops"][0]["precision"] == "F32"


def test_the_table_of_fall_backs_names_op_kind_and_reason():
    plan = Plan("INT8", ops={"a": OpPlan("a", "top.Conv", Precision.F32, "a reason"), "b": OpPlan("b", "top.Add", Precision.INT8)})
    table = fallback_table(plan)
    assert "a reason" in table and "top.Conv" in table and "top.Add" not in table
