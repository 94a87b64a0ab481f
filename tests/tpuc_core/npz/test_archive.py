import numpy as np
import pytest

from tpuc_core.errors import TpucError
from tpuc_core.npz import load_npz, save_npz, tensor_of

TENSORS = {"file": np.arange(6, dtype=np.int8).reshape(2, 3), "a/b:c": np.ones(4, np.float32), "scalar": np.float32(2)}


def test_any_name_is_written_and_read_back(tmp_path):
    save_npz(tmp_path / "x.npz", TENSORS)
    back = load_npz(tmp_path / "x.npz")
    assert list(back) == list(TENSORS)
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(back[name], tensor)


def test_same_tensors_give_the_same_bytes(tmp_path):
    save_npz(tmp_path / "x.npz", TENSORS)
    save_npz(tmp_path / "y.npz", TENSORS)
    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "y.npz").read_bytes()


@pytest.mark.parametrize("damage", [lambda b: b[:100], lambda b: b[:160] + b"\x55" + b[161:], lambda b: b"hello", lambda b: b""])
def test_a_damaged_file_is_refused(tmp_path, damage):
    path = tmp_path / "x.npz"
    save_npz(path, {"x": np.zeros(100, np.float32)})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(TpucError, match=r"x\.npz"):
        load_npz(path)


def test_an_unknown_tensor_names_the_nearest():
    with pytest.raises(TpucError, match='did you mean "scalar"'):
        tensor_of(TENSORS, "scaler", "x.npz")


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(TpucError, match="cannot write"):
        save_npz(tmp_path / "no" / "x.npz", TENSORS)
    assert list(tmp_path.iterdir()) == []
