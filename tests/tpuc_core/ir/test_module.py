"""A model is loaded, asked, changed and saved."""

import re
import shutil

import numpy as np
import pytest

from tpuc_core.errors import TpucError
from tpuc_core.ir import (
    State,
    calibration_of,
    is_weight,
    load_model,
    print_text,
    quantization_of,
    save_model,
    shape_of,
    storage_of,
    tensor_name,
    top,
    tpu,
)
from tpuc_core.plan import TensorQuantization


@pytest.fixture
def lowered(data, tmp_path):
    shutil.copy(data / "cnn_int8_sym_1lowered_weights.npz", tmp_path)
    shutil.copy(data / "cnn_int8_sym_1lowered.mlir", tmp_path)
    return load_model(tmp_path / "cnn_int8_sym_1lowered.mlir")


def test_module_attributes_are_properties(lowered):
    assert (lowered.name, lowered.state, lowered.chip, lowered.mode) == ("cnn", State.TPU_LOWERED, "bm1684x", "INT8")
    lowered.state, lowered.name = State.TPU_REORDERED, "other"
    assert "module @other" in print_text(lowered.module)
    assert lowered.get_attribute("q_group_size") == 0
    assert lowered.get_attribute("nothing", 7) == 7


def test_tensors_say_what_they_are(lowered):
    conv = next(op for op in lowered.ops() if isinstance(op, tpu.Conv2DOp))
    assert tensor_name(conv.results[0]) == "r1_Relu"
    assert (shape_of(conv.results[0]), storage_of(conv.results[0])) == ((1, 8, 16, 16), "u8")
    assert quantization_of(conv.results[0]) == TensorQuantization(0.03889407725490196, 0, False)
    assert storage_of(conv.operands[1]) == "i8" and is_weight(conv.operands[1])
    assert lowered.weight(conv.operands[1]).shape == (8, 3, 3, 3)
    low, high = calibration_of(lowered.inputs[0].results[0])
    assert low == -high
    assert storage_of(lowered.inputs[0].results[0]) == "f32"


def test_attributes_are_python_values(lowered):
    conv = next(op for op in lowered.ops() if isinstance(op, tpu.Conv2DOp))
    assert conv.get("strides") == [2, 2]
    assert conv.get("round_mode") == "HalfUp"
    assert conv.get("do_leaky_relu") is None
    conv.set(strides=[1, 1], rshift=None)
    assert (conv.get("strides"), conv.get("rshift")) == ([1, 1], None)
    conv.set(round_mode="Up").set(round_mode=None)
    assert '#tpu<round_mode HalfUp>' in print_text(lowered.module)
    assert conv.get("round_mode") == "HalfUp"
    with pytest.raises(TpucError, match=r'tpu.Conv2D: "round_mode" cannot be .Up2.'):
        conv.set(round_mode="Up2")
    with pytest.raises(KeyError, match="stride"):
        conv.get("stride")


def test_outputs_of_a_divided_model_are_those_of_its_subnet(data, tmp_path):
    text = (data / "cnn_int8_asym_4divided.mlir").read_text()
    (tmp_path / "m.mlir").write_text(text)
    with pytest.raises(TpucError, match="wants the weights"):
        load_model(tmp_path / "m.mlir")
    name = text.split('module.weight_file = "')[1].split('"')[0]
    np.savez(tmp_path / name)
    with pytest.raises(TpucError, match=r"lacks \d+ weights"):
        load_model(tmp_path / "m.mlir")
    names = re.findall(r'^#loc\d* = loc\("([^"]+)"\)', text, re.MULTILINE)
    np.savez(tmp_path / name, **dict.fromkeys(names, np.zeros(1, np.float32)))
    model = load_model(tmp_path / "m.mlir")
    assert [tensor_name(v) for v in model.outputs] == ["output_Gemm_f32"]
    assert model.outputs[0].op.parent_op() is model.function("subfunc_0")
    assert model.ops()[0].name == "tpu.Cast"


def test_a_clone_changes_alone(lowered):
    before = print_text(lowered.module)
    copy = lowered.clone()
    copy.ops()[0].set(with_scale=False)
    copy.add_weight("new", np.zeros(3, np.float32), copy.ops()[0])
    assert print_text(lowered.module) == before
    assert "new" not in lowered.weights


def test_saving_writes_the_weights_in_use_under_a_name_of_their_own(lowered, tmp_path):
    lowered.weights["unused"] = np.zeros(3, np.float32)
    save_model(lowered, tmp_path / "out.mlir")
    with np.load(tmp_path / "out_weight.npz") as weights:
        assert "unused" not in weights and "r1_Relu_filter_i8" in weights
    again = load_model(tmp_path / "out.mlir")
    assert print_text(again.module) == print_text(lowered.module)
    assert again.get_attribute("weight_file") == "out_weight.npz"


def test_weights_are_looked_up_beside_the_text_then_here(lowered, tmp_path, monkeypatch):
    save_model(lowered, tmp_path / "out.mlir", "w.npz")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "w.npz").rename(tmp_path / "elsewhere/w.npz")
    with pytest.raises(TpucError, match=r'wants the weights "w.npz"'):
        load_model(tmp_path / "out.mlir")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_model(tmp_path / "out.mlir").weights["r1_Relu_filter_i8"].dtype == np.int8


def test_weights_of_the_wrong_kind_are_named(lowered):
    filter_value = next(op for op in lowered.ops() if isinstance(op, tpu.Conv2DOp)).operands[1]
    lowered.weights["r1_Relu_filter_i8"] = np.zeros((8, 3, 3, 3), np.float32)
    with pytest.raises(TpucError, match='weight "r1_Relu_filter_i8" is float32 where its type wants int8'):
        lowered.weight(filter_value)
    lowered.weights["r1_Relu_filter_i8"] = np.zeros(5, np.int8)
    with pytest.raises(TpucError, match=r"has 5 elements where its shape .* wants 216"):
        lowered.weight(filter_value)
    del lowered.weights["r1_Relu_filter_i8"]
    with pytest.raises(TpucError, match="is missing from"):
        lowered.weight(filter_value)


def test_names_of_weights_are_not_used_twice(build):
    builder = build((1, 4))
    model = builder.finish(*builder.inputs)
    before = model.main.body.block.last_op
    model.add_weight("w", np.zeros(2, np.float32), before)
    model.add_weight("w", np.zeros(2, np.float32), before)
    with pytest.raises(TpucError, match='two weights of the name "w"'):
        model.add_weight("w", np.ones(2, np.float32), before)


def test_there_is_one_none_a_function(build):
    builder = build((1, 4))
    model = builder.finish(*builder.inputs)
    last = model.main.body.block.last_op
    assert model.none(last) is model.none(last)
    assert model.main.body.block.first_op.name == "top.None"
    assert model.ops() == [] and isinstance(model.inputs[0], top.InputOp)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("module.", "mlir.", 'of an early tool chain: its attributes are called "mlir.state"'),
        ('module.state = "TOP_F32", ', "", 'is not a model: its module has no "module.state"'),
        ("TOP_F32", "TOP_F23", 'unknown module.state "TOP_F23".*did you mean "TOP_F32"'),
    ],
)
def test_files_of_other_tools_are_refused(data, tmp_path, old, new, message):
    (tmp_path / "m.mlir").write_text((data / "cnn.mlir").read_text().replace(old, new))
    with pytest.raises(TpucError, match=message):
        load_model(tmp_path / "m.mlir")


def test_files_that_are_not_there_or_not_text_are_named(tmp_path):
    with pytest.raises(TpucError, match=r'no such file: ".*none.mlir"'):
        load_model(tmp_path / "none.mlir")
    (tmp_path / "binary.mlir").write_bytes(b"\xff\xfe\x00module")
    with pytest.raises(TpucError, match="is not an MLIR text file: byte 0"):
        load_model(tmp_path / "binary.mlir")
