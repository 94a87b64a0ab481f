"""Arrays are read by several threads at once."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tpuc_core.errors import TpucError
from tpuc_core.npz import load_npy, load_npz, save_npz


def test_one_thread_reads_at_a_time(tmp_path, monkeypatch):
    """CPython 3.11.7 raises SystemError now and then where two do."""
    active, most, read = [], [], np.lib.format.read_array

    def watched(*args, **options):
        active.append(1)
        most.append(len(active))
        time.sleep(0.001)
        try:
            return read(*args, **options)
        finally:
            active.pop()

    monkeypatch.setattr(np.lib.format, "read_array", watched)
    wanted = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    np.save(tmp_path / "a.npy", wanted)
    save_npz(tmp_path / "a.npz", {"a": wanted})
    with ThreadPoolExecutor(4) as pool:
        arrays = pool.map(lambda i: load_npy(tmp_path / "a.npy") if i % 2 else load_npz(tmp_path / "a.npz")["a"], range(80))
        assert all(np.array_equal(array, wanted) for array in arrays)
    assert len(most) == 80 and max(most) == 1


def test_what_is_no_array_is_one_sentence(tmp_path):
    for data in (b"no array", b"PK\3\4", b"", b"\x93NUMPY\1\0"):
        (tmp_path / "a.npy").write_bytes(data)
        with pytest.raises(TpucError, match=r'a.npy" is not a readable npy file'):
            load_npy(tmp_path / "a.npy")
    with pytest.raises(TpucError, match="no such file"):
        load_npy(tmp_path / "b.npy")
