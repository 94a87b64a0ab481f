"""Look-ups: against numpy's indexing, plain C against SIMD."""

from __future__ import annotations

import numpy as np
import pytest
from tpuc_kernels import gather

DTYPES = (np.int8, np.uint16, np.float32)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_table_serves_all_channels(every_path, dtype):
    rng = np.random.default_rng(1)
    index, table = (
        rng.integers(0, 256, (2, 5, 6, 7)).astype(np.uint8),
        rng.integers(0, 256, 256).astype(np.uint8).astype(dtype),
    )
    assert np.array_equal(every_path(lambda: gather.table(index, table)), table[index])
    assert np.array_equal(every_path(lambda: gather.table(index.view(np.int8), table)), table[index])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_table_for_every_channel(every_path, dtype):
    rng = np.random.default_rng(2)
    index, tables = rng.integers(0, 300, (2, 5, 1, 70)).astype(np.uint16), rng.integers(0, 99, (5, 300)).astype(dtype)
    expected = np.stack([tables[c][index[:, c]] for c in range(5)], axis=1)
    assert np.array_equal(every_path(lambda: gather.table(index, tables)), expected)


def test_a_skipped_index_keeps_the_old_element_or_gives_the_fill():
    index, table = np.array([0, 255, 1], np.uint8), np.arange(10, 12, dtype=np.int16)
    old = np.array([1, 2, 3], np.int16)
    assert gather.table(index, table, skips=True, out=old).tolist() == [10, 2, 11]
    assert gather.table(index, table, skips=True, fill=0xFFFF).tolist() == [10, -1, 11]


def test_the_last_of_equal_indices_stays(every_path):
    old = np.zeros((1, 1, 4), np.float32)
    values, index = np.array([[1, 2, 3, 4]], np.float32), np.array([[[2, 0, 2, 255]]], np.uint8)
    assert every_path(lambda: gather.scatter(old, values, index, skips=True)).ravel().tolist() == [2, 0, 3, 0]
    assert not old.any()


def test_an_index_beyond_the_table_is_an_error():
    with pytest.raises(IndexError, match="2 indices lie beyond a table of 3 entries"):
        gather.table(np.array([0, 3, 9], np.uint8), np.zeros(3, np.int8))
    with pytest.raises(ValueError, match="one table a channel"):
        gather.table(np.zeros((1, 2, 3), np.uint8), np.zeros((3, 4), np.int8))
