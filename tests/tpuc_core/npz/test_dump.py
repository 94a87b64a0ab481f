import numpy as np

from tpuc_core.npz import describe, list_lines, top_k_lines


def test_list_has_name_shape_dtype():
    assert list_lines({"x": np.zeros((1, 3), np.int8)}) == ["x\t(1, 3)\tint8"]


def test_a_picture_shows_its_channels():
    picture = np.stack([np.full((2, 2), v, np.float32) for v in (1.5, -2.0, 0.25)])[None]
    assert describe(picture)[-7:] == [
        "shape (1, 3, 2, 2)", "dtype float32", "max [ 1.5  -2.    0.25]", "min [ 1.5  -2.    0.25]",
        "mean [ 1.5  -2.    0.25]", "abs mean fp32 [1.5  2.   0.25]", "std fp32 [0. 0. 0.]"]


def test_other_tensors_show_values_shape_dtype():
    assert describe(np.array([[1, 2]], np.int8)) == ["[[1 2]]", "shape (1, 2)", "dtype int8"]


def test_top_k_is_sorted_by_value_then_index():
    x = np.array([[1.5, 10.266102, 9.682159, 10.266102]], np.float32)
    assert top_k_lines(x, 3) == ["shape (1, 4)", "dtype float32", "Show Top-K 3", "(1, 10.266102)", "(3, 10.266102)", "(2, 9.682159)"]
