"""Tables find their ops by the structure of the model, whatever these are called."""

import pytest

from tpuc_core.errors import TpucError
from tpuc_core.ir import Model, tensor_type, top
from tpuc_core.plan import Precision
from tpuc_core.quantization_table import precisions_for, structure_of, write_quantization_table


def net(names=("a", "b", "c", "sum"), size=4):
    """Three times the same op on one input, the third on the result of the second, and the sum of two."""
    model = Model.new("net", "ONNX", [tensor_type((1, size))])
    block = model.main.body.block
    x = top.InputOp.make("x", [block.args[0]], tensor_type((1, size)))
    block.add_op(x)
    a = top.SigmoidOp.make(names[0], [x.results[0]], tensor_type((1, size)))
    b = top.SigmoidOp.make(names[1], [x.results[0]], tensor_type((1, size)))
    c = top.SigmoidOp.make(names[2], [b.results[0]], tensor_type((1, size)))
    total = top.AddOp.make(names[3], [a.results[0], c.results[0]], tensor_type((1, size)))
    block.add_ops([a, b, c, total])
    model.set_outputs([total.results[0]])
    return model


@pytest.fixture
def table(tmp_path):
    """F16 for "b" and BF16 for "c" of the net."""
    path = tmp_path / "qtable"
    write_quantization_table(path, net(), {"b": Precision.F16, "c": Precision.BF16}, ["made by a test"])
    return path


def test_the_file_is_readable(table):
    structure = structure_of(net())
    assert table.read_text() == (
        f"# made by a test\n# structure of the model: {structure.model}\n# structure of b: {structure.ops['b']}\n"
        f"# structure of c: {structure.ops['c']}\n# op_name   quantize_mode\nb F16\nc BF16\n")


def test_every_op_has_a_key_of_its_own():
    keys = structure_of(net()).ops
    assert len(set(keys.values())) == 4
    assert keys["b"] == f"{keys['a']}-2"


def test_names_do_not_matter(table):
    assert precisions_for(table, net()) == {"b": Precision.F16, "c": Precision.BF16}
    assert precisions_for(table, net(("c", "d", "e", "f"))) == {"d": Precision.F16, "e": Precision.BF16}
    assert precisions_for(table, net(("b", "a", "c", "sum"))) == {"a": Precision.F16, "c": Precision.BF16}


def test_another_model_is_refused(table):
    with pytest.raises(TpucError, match=r'is the table of another model.*make one for this model'):
        precisions_for(table, net(size=5))


def test_a_table_by_hand_goes_by_names(tmp_path):
    path = tmp_path / "qtable"
    path.write_text("b F32\ngone F32\n")
    assert precisions_for(path, net()) == {"b": Precision.F32, "gone": Precision.F32}
    path.write_text("gone F32\n")
    with pytest.raises(TpucError, match='names no op of model "net"'):
        precisions_for(path, net())


def test_only_ops_of_the_model_are_written(tmp_path):
    with pytest.raises(TpucError, match='no op "gone"'):
        write_quantization_table(tmp_path / "qtable", net(), {"gone": Precision.F16})
