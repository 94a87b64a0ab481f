"""Blobs that are overwritten, phases, old forms of files, ends, and what is wrong with a file."""

import sys
from pathlib import Path

import numpy as np
import pytest
from tpuc_caffe.schema import message_class, parse_proto
from tpuc_caffe.upgrade import type_name

sys.path.insert(0, str(Path(__file__).parent))

from caffe_nets import inputs_text, kinds, layer_text, random

from tpuc_core.errors import TpucError
from tpuc_core.evaluate import evaluate
from tpuc_core.ir import shape_of, tensor_name

MAP = inputs_text(data=(1, 4, 6, 6))


def names(model):
    return [tensor_name(op.results[0]) for op in (*model.inputs, *model.ops())]


def test_values_that_are_overwritten_have_names_of_their_own(check):
    text = MAP + layer_text("Sigmoid", top="a") + layer_text("TanH", "a", "a", name="t") + layer_text("AbsVal", "a", "a", name="u")
    model, _ = check(text, wanted=["a/2", "a/1", "a"])
    assert names(model) == ["data", "a/2", "a/1", "a"]


def test_an_input_that_is_overwritten_keeps_its_name(check):
    model, _ = check(MAP + layer_text("Sigmoid", "data", "data", name="s") + layer_text("TanH"), wanted=["s", "y"])
    assert names(model) == ["data", "s", "y"]


def test_a_blob_that_is_overwritten_after_it_was_read(check):
    text = MAP + layer_text("Sigmoid", top="a") + layer_text("TanH", "a", "b") + layer_text("ReLU", "a", "a", name="r")
    model, _ = check(text + layer_text("Eltwise", "a b"), wanted=["a", "b", "y"])
    assert len(model.ops()) == 4


def test_dropout_split_and_silence_leave_nothing(load, save):
    text = MAP + layer_text("Split", top="a b") + layer_text("Dropout", "a", "a", name="d") + layer_text("TanH", "a")
    text += layer_text("Sigmoid", "b", "unwanted") + layer_text("Silence", "unwanted", "", name="quiet")
    model = load(save(text))
    assert [tensor_name(v) for v in model.outputs] == ["y"] and kinds(model) == ["Tanh"]


TRAINING = """
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } data_param { batch_size: 32 } }
layer { name: "data" type: "ImageData" top: "data" top: "label" include { phase: TEST } transform_param { crop_size: 6 }
        image_data_param { source: "list" batch_size: 8 } }
layer { name: "drop" type: "Dropout" bottom: "data" top: "data" exclude { phase: TEST } }
layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" param { lr_mult: 1 } inner_product_param { num_output: 3
        weight_filler { type: "xavier" } } }
layer { name: "accuracy" type: "Accuracy" bottom: "fc" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""


def test_a_net_for_training_is_read_in_phase_test(load, save):
    model = load(save(TRAINING, {"fc": [random(3, 108), random(3)]}))
    assert [tensor_name(v) for v in model.outputs] == ["fc"]
    assert [shape_of(op.results[0]) for op in model.inputs] == [(1, 3, 6, 6)]


def test_a_data_layer_without_a_size_asks_for_it(load, save):
    path = save(TRAINING.replace("crop_size: 6", ""), {"fc": [random(3, 108), random(3)]})
    with pytest.raises(TpucError, match=r'input "data" has no fixed shape; give it, for example --input_shapes \[\[1,3,224,224\]\]'):
        load(path)
    assert shape_of(load(path, input_shapes=[[2, 3, 6, 6]]).outputs[0]) == (2, 3)


OLD = """
input: "data" input_dim: 1 input_dim: 4 input_dim: 6 input_dim: 6
layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" blobs_lr: 1 convolution_param { num_output: 3 kernel_size: 3 } }
layers { name: "r" type: RELU bottom: "c" top: "c" }
layers { name: "p" type: POOLING bottom: "c" top: "p" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layers { name: "f" type: INNER_PRODUCT bottom: "p" top: "f" inner_product_param { num_output: 2 } }
layers { name: "s" type: SOFTMAX bottom: "f" top: "y" }
"""
OLD_BLOBS = {"c": [random(3, 4, 3, 3), random(1, 1, 1, 3)], "f": [random(1, 1, 2, 12), random(1, 1, 1, 2)]}


def test_layers_of_the_first_kind(check):
    model, _ = check(OLD, OLD_BLOBS)
    assert kinds(model) == ["Conv", "AvgPool", "Reshape", "MatMul", "Softmax"]


def test_weights_of_the_first_kind(save, load):
    path = save(OLD, OLD_BLOBS)
    net = message_class("NetParameter")()
    for name, arrays in OLD_BLOBS.items():
        layer = net.layers.add(name=name)
        for array in arrays:
            n, c, h, w = (1,) * (4 - array.ndim) + array.shape
            layer.blobs.add(data=array.ravel().tolist(), num=n, channels=c, height=h, width=w)
    before = evaluate(load(path), {"data": random(1, 4, 6, 6)})["y"]
    path.with_suffix(".caffemodel").write_bytes(net.SerializeToString())
    np.testing.assert_array_equal(evaluate(load(path), {"data": random(1, 4, 6, 6)})["y"], before)


@pytest.mark.parametrize(("old", "new"), [("INNER_PRODUCT", "InnerProduct"), ("RELU", "ReLU"), ("LRN", "LRN"), ("SOFTMAX_LOSS", "SoftmaxWithLoss"),
                                          ("HDF5_DATA", "HDF5Data"), ("CONCAT", "Concat"), ("TANH", "TanH"), ("ARGMAX", "ArgMax")])
def test_types_with_numbers_get_their_names(old, new):
    assert type_name(old) == new


def test_shapes_before_the_layers(load, save):
    text = 'input: "data" input_shape { dim: 1 dim: 4 dim: 6 dim: 6 } input: "b" input_shape { dim: 1 dim: 4 dim: 6 dim: 6 }'
    model = load(save(text + layer_text("Eltwise", "data b")))
    assert [shape_of(op.results[0]) for op in model.inputs] == [(1, 4, 6, 6)] * 2


def test_other_input_shapes(check):
    model, _ = check(MAP + layer_text("Sigmoid"), input_shapes=[[3, 4, 8, 5]])
    assert shape_of(model.outputs[0]) == (3, 4, 8, 5)


@pytest.mark.parametrize(("shapes", "message"), [
    ([[1, 4, 6, 6], [1]], "has 2 shapes; the net has 1 inputs: data"), ([[1, 4, 6]], "which has 4 dimensions"), ([[1, 4, 0, 6]], "must be positive"),
])  # fmt: skip
def test_input_shapes_that_do_not_fit(load, save, shapes, message):
    with pytest.raises(TpucError, match=message):
        load(save(MAP + layer_text("Sigmoid")), input_shapes=shapes)


def test_a_net_ends_at_blobs_and_layers(load, save):
    text = MAP + layer_text("Sigmoid", top="a") + layer_text("TanH", "a", "a", name="t") + layer_text("AbsVal", "a", "b", name="u")
    for name in ("a", "t"):
        model = load(save(text), output_names=[name])
        assert [tensor_name(v) for v in model.outputs] == ["a"] and len(model.ops()) == 2
    with pytest.raises(TpucError, match='--output_names: no blob or layer "c" in the net; valid: '):
        load(save(text), output_names=["c"])


def test_all_layers_that_cannot_be_imported_are_named_with_a_way_out(load, save):
    text = MAP + layer_text("Sigmoid", top="a") + layer_text("Embed", "a", "b") + layer_text("ReLU", "b", "c")
    text += layer_text("LSTM", "a", "d") + layer_text("Pooling", "a", "e", "pooling_param { pool: STOCHASTIC kernel_size: 2 }")
    with pytest.raises(TpucError) as error:
        load(save(text))
    message = str(error.value)
    assert message.startswith("3 layers cannot be imported: ") and 'Embed "b" (the type is not supported)' in message
    assert 'Pooling "e" (stochastic pooling)' in message and "ReLU" not in message
    assert message.endswith("End the model before them: --output_names a")
    assert kinds(load(save(text), output_names=["a"])) == ["Sigmoid"]


def test_files_that_are_none(load, save, tmp_path):
    conv = MAP + layer_text("Convolution", parameters="convolution_param { num_output: 3 kernel_size: 3 }")
    cases = {
        "is not a description of a Caffe net: it has no layers": save("", name="empty"),
        "is not a description of a Caffe net: ": save("layer {{", name="broken"),
        "has no input": save(layer_text("Sigmoid"), name="open"),
        'reads the blob "b", which nothing before it makes': save(MAP + layer_text("Sigmoid", "b"), name="torn"),
        r'Convolution layer "y" has weights, and there is no ".*bare\.caffemodel": give the file that has them': save(conv, name="bare"),
        'Convolution layer "y": it has 0 weights where 2 are wanted': save(conv, {"z": [random(1)]}, name="foreign"),
        "its weight 0 has the shape": save(conv, {"y": [random(3, 5, 3, 3), random(3)]}, name="other"),
    }
    for message, path in cases.items():
        with pytest.raises(TpucError, match=message):
            load(path)
    damaged = save(conv, {"y": [random(3, 4, 3, 3), random(3)]}, name="damaged").with_suffix(".caffemodel")
    damaged.write_bytes(damaged.read_bytes()[:-7])
    with pytest.raises(TpucError, match=r"is not a \.caffemodel, or it is truncated"):
        load(damaged.with_suffix(".prototxt"))
    with pytest.raises(TpucError, match=r"give the \.prototxt as the model"):
        load(damaged)


def test_the_schema_has_the_numbers_of_the_format():
    net = message_class("NetParameter").DESCRIPTOR
    layer = net.fields_by_name["layer"].message_type
    found = {name: layer.fields_by_name[name].number for name in ("blobs", "convolution_param", "permute_param", "batch_norm_param")}
    assert (net.fields_by_name["layer"].number, found) == (100, {"blobs": 7, "convolution_param": 106, "permute_param": 202, "batch_norm_param": 139})


@pytest.mark.parametrize("text", ["service X {}", "message X { oneof a = 1; }", "message X { optional Y y = 1; }", "message X { optional int32 y = 1"])
def test_a_schema_with_other_words_is_refused(text):
    with pytest.raises(ValueError, match=r'begins no|unknown type|ends within'):
        parse_proto(text, "x.proto")
