"""Addresses, layouts, and the function tables of static memory."""

import numpy as np
import pytest
from tpuc_bm1684x.isa.memory_map import GLOBAL_BASE, L2_BASE, L2_BYTES, LANE_BYTES, LOCAL_BASE, STATIC_BASE
from tpuc_bm1684x.simulator.memory import Memory, aligned, compact, last_byte, line_aligned, static_tables

from tpuc_core.errors import TpucError


def test_addresses_are_found_in_their_memory():
    memory = Memory(4096)
    found = [
        memory.place(address)[0::2]
        for address in (LOCAL_BASE + 5 * LANE_BYTES + 3, STATIC_BASE, L2_BASE + 9, GLOBAL_BASE + 7)
    ]
    assert found == [("local", 5 * LANE_BYTES + 3), ("static", 0), ("L2", 9), ("global", 7)]


@pytest.mark.parametrize("address", [0, L2_BASE + L2_BYTES, STATIC_BASE + 0x4000])
def test_an_address_in_no_memory_is_an_error(address):
    with pytest.raises(TpucError, match="lies in no memory"):
        Memory(0).place(address)


def test_layouts_pad_channels_rows_or_nothing():
    shape = 2, 70, 3, 5  # 70 channels from lane 60 on: three slots
    assert aligned(shape, 2, 60) == (3 * 32, 32, 5, 1)
    assert compact(shape, 2, 60) == (3 * 15, 15, 5, 1)
    assert line_aligned(shape, 2, 60) == (3 * 96, 96, 32, 1)
    assert last_byte(shape, (96, 32, 5, 1), 2, 60, 100) == 100 + 2 * (96 + 2 * 32 + 2 * 5 + 4 + 1)


def test_static_memory_has_powers_of_e_and_series_in_three_types():
    words = static_tables()
    with np.errstate(over="ignore"):
        powers = np.exp(np.arange(-103, 89, dtype=np.float64)).astype(np.float32)
    assert np.abs(words[:192].view(np.int32) - powers.view(np.int32))[8:].max() <= 1
    exp = [1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720]
    assert words[256:263].view(np.float32).tolist() == np.array(exp, np.float32).tolist()
    assert words[592:596].view(np.float16).tolist()[:7] == np.array(exp, np.float16).tolist()
    bf16 = (words[608:612].view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    assert bf16[:7] == pytest.approx(exp, rel=1 / 128)
