import onnx
import pytest
from tpuc_onnx.files import read_model

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


def test_opsets_out_of_range_are_refused(small_net, save):
    small_net.opset_import[0].version = 5
    with pytest.raises(TpucError, match="has opset 5; 7 to"):
        read_model(save(small_net))


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
