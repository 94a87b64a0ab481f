"""Every op of both dialects has a class, whether written or out of a signature."""

import pytest

from tpuc_core.errors import TpucError
from tpuc_core.ir import tensor_type, top, tpu
from tpuc_core.ir.dialects.table import op_of_signature


@pytest.mark.parametrize(("dialect", "count"), [(top, 200), (tpu, 193)], ids=["top", "tpu"])
def test_all_ops_have_a_class_that_says_what_it_is(dialect, count):
    names = dialect.OPS.names()
    assert len(names) == count
    for name in names:
        kind = dialect.OPS.find(name)
        assert kind.name == name and kind.__doc__
        assert getattr(dialect, f"{name.partition('.')[2]}Op") is kind


def test_no_op_has_both_a_class_and_a_signature():
    for dialect in (top, tpu):
        written = {value.name for value in vars(dialect).values() if isinstance(getattr(value, "name", None), str)}
        assert written.isdisjoint(dialect.OPS.signatures)


def test_a_signature_makes_an_op():
    kind = op_of_signature(
        "top", "Some(input, table~, more*) -> y, z {axis: si32; name?: string; mode: #round_mode = \"HalfUp\"; at: [i64] = [0, 1]}"
    )
    op = kind.make(["a", "b"], [], [tensor_type((1,))] * 2, axis=1, name="x")
    assert {name: op.get(name) for name in op.kinds()} == {"axis": 1, "name": "x", "mode": "HalfUp", "at": [0, 1]}
    assert [name for name, _ in kind.get_irdl_definition().operands] == ["input", "table", "more"]
    assert op.names == ["a", "b"]
    with pytest.raises(TpucError, match=r'top.Some: "axis" cannot be \'front\''):
        op.set(axis="front")


def test_what_is_no_signature_is_refused():
    with pytest.raises(ValueError, match="not a signature"):
        op_of_signature("top", "Some input")


def test_a_dialect_has_no_other_ops():
    with pytest.raises(AttributeError, match="the dialect top has no ConvvOp"):
        _ = top.ConvvOp
