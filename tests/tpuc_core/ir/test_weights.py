"""Weights: stored in the npz as the vendor reads it, the same bytes for the same values, read when wanted."""

import zipfile

import numpy as np
import pytest

from tpuc_core.errors import TpucError
from tpuc_core.ir import Weights, write_weights

ARRAYS = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.array([1, -2], np.int8), "c/d": np.array(3, np.int32)}


def test_file_is_stored_sorted_and_readable_by_numpy(tmp_path):
    write_weights(tmp_path / "w.npz", ARRAYS)
    with zipfile.ZipFile(tmp_path / "w.npz") as archive:
        assert archive.namelist() == ["a.npy", "b.npy", "c/d.npy"]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    with np.load(tmp_path / "w.npz") as read:
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(read[name], array)
            assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)


def test_same_arrays_make_the_same_bytes(tmp_path):
    write_weights(tmp_path / "1.npz", ARRAYS)
    write_weights(tmp_path / "2.npz", dict(reversed(ARRAYS.items())))
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()


def test_arrays_in_fortran_order_keep_their_values(tmp_path):
    write_weights(tmp_path / "w.npz", {"f": np.asfortranarray(ARRAYS["b"])})
    np.testing.assert_array_equal(Weights(tmp_path / "w.npz")["f"], ARRAYS["b"])


def test_a_copy_can_be_changed_alone(tmp_path):
    write_weights(tmp_path / "w.npz", ARRAYS)
    weights = Weights(tmp_path / "w.npz")
    copy = weights.copy()
    copy["a"] = np.zeros(1, np.int8)
    del copy["b"]
    assert set(weights) == set(ARRAYS)
    np.testing.assert_array_equal(weights["a"], ARRAYS["a"])


def test_compressed_files_of_numpy_are_read_too(tmp_path):
    np.savez_compressed(tmp_path / "w.npz", **ARRAYS)
    np.testing.assert_array_equal(Weights(tmp_path / "w.npz")["b"], ARRAYS["b"])


def test_foreign_and_damaged_files_are_one_sentence(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(TpucError, match=r'"[^"]*text.npz" is not an npz file of weights'):
        Weights(tmp_path / "text.npz")
    write_weights(tmp_path / "w.npz", ARRAYS)
    content = bytearray((tmp_path / "w.npz").read_bytes())
    content[150:160] = bytes(10)
    (tmp_path / "w.npz").write_bytes(content)
    with pytest.raises(TpucError, match='cannot read weight "a" of'):
        Weights(tmp_path / "w.npz")["a"]


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "w.npz", a=np.array([{}], dtype=object))
    with pytest.raises(TpucError, match='cannot read weight "a"'):
        Weights(tmp_path / "w.npz")["a"]
