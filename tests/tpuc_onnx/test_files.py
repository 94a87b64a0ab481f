import numpy as np
import onnx
import pytest
from tpuc_onnx.files import read_model
from tpuc_onnx.session import open_file

from tpuc_core.errors import TpucError


def test_a_model_is_read(small_net, save):
    assert len(read_model(save(small_net)).graph.node) == 8


@pytest.mark.parametrize(("cut", "message"), [(lambda d: b"", "is empty"), (lambda d: d[: len(d) // 2], "it is truncated"),
                                              (lambda d: b"not a model at all", "is not an ONNX file")])
def test_empty_truncated_and_foreign_files_are_refused(small_net, tmp_path, cut, message):
    path = tmp_path / "bad.onnx"
    path.write_bytes(cut(small_net.SerializeToString()))
    with pytest.raises(TpucError, match=message):
        read_model(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TpucError, match=r'no such file: ".*gone.onnx"'):
        read_model(tmp_path / "gone.onnx")


def test_an_opset_of_the_future_is_refused(small_net, save):
    small_net.opset_import[0].version = 1000
    with pytest.raises(TpucError, match="has opset 1000; 7 to"):
        read_model(save(small_net))


def test_an_old_opset_is_converted(make_model, save):
    model = make_model([("Add", ["x", "b"], ["y"], {"broadcast": 1, "axis": 1})], {"x": (1, 3, 2, 2)}, ["y"], {"b": np.float32([1, 2, 3])}, opset=6)
    read = read_model(save(model))
    assert read.opset_import[0].version == 7 and [n.op_type for n in read.graph.node] == ["Unsqueeze", "Add"]


def test_an_old_opset_that_cannot_be_converted_is_refused(make_model, save):
    model = make_model([("ImageScaler", ["x"], ["y"], {"scale": 2.0})], {"x": (1, 3, 2, 2)}, ["y"], opset=1)
    with pytest.raises(TpucError, match="has opset 1, and cannot be converted to 7: "):
        read_model(save(model))


def test_ir_versions_out_of_range_are_refused(small_net, save):
    small_net.ir_version = onnx.IR_VERSION + 1
    with pytest.raises(TpucError, match="has ONNX IR version"):
        read_model(save(small_net))


def test_weights_in_another_file_are_read(small_net, tmp_path):
    onnx.save(small_net, tmp_path / "net.onnx", save_as_external_data=True, location="net.bin", size_threshold=0)
    assert read_model(tmp_path / "net.onnx").graph.initializer[0].raw_data
    (tmp_path / "net.bin").unlink()
    with pytest.raises(TpucError, match="lie in another file that cannot be read"):
        read_model(tmp_path / "net.onnx")


def test_an_attribute_without_a_type_is_refused(small_net, save):
    small_net.graph.node[0].attribute[0].type = onnx.AttributeProto.UNDEFINED
    with pytest.raises(TpucError, match=r"of Conv node .* is no number, text, tensor or graph"):
        open_file(save(small_net))


def test_a_name_that_is_no_text_is_refused(small_net, tmp_path):
    data = small_net.SerializeToString()
    (tmp_path / "bad.onnx").write_bytes(data.replace(b"GlobalAveragePool", b"GlobalAverage\xff\xfe\xfd\xfc"))
    with pytest.raises(TpucError, match="a name in it is no UTF-8 text"):
        read_model(tmp_path / "bad.onnx")
