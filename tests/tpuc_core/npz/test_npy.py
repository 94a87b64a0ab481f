"""Arrays are read by several threads at once."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tpuc_core.errors import TpucError
from tpuc_core.npz import load_npy, load_npz, save_npz


def test_threads_do_not_disturb_each_other(tmp_path):
    """Without a lock CPython 3.11.7 raises SystemError now and then."""
    wanted = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    np.save(tmp_path / "a.npy", wanted)
    save_npz(tmp_path / "a.npz", {"a": wanted})
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            arrays = pool.map(lambda i: load_npy(tmp_path / "a.npy") if i % 2 else load_npz(tmp_path / "a.npz")["a"], range(400))
            assert all(np.array_equal(array, wanted) for array in arrays)
    finally:
        sys.setswitchinterval(interval)


def test_what_is_no_array_is_one_sentence(tmp_path):
    for data in (b"no array", b"PK\3\4", b"", b"\x93NUMPY\1\0"):
        (tmp_path / "a.npy").write_bytes(data)
        with pytest.raises(TpucError, match=r'a.npy" is not a readable npy file'):
            load_npy(tmp_path / "a.npy")
    with pytest.raises(TpucError, match="no such file"):
        load_npy(tmp_path / "b.npy")
