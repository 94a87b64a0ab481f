"""Where the constants of a channel lie in the lanes."""

import numpy as np
import pytest
from tpuc_bm1684x.kernels.constants import Block, Constant, Form


def lane(section, channel):
    return section[channel % 64]


@pytest.mark.parametrize("channels", [3, 64, 70, 130])
def test_a_bias_has_a_word_a_channel_without_gaps(channels):
    values = np.arange(channels, dtype=np.int32)
    section = Constant("bias", Form.COMPACT, (channels,), "i32").pack(values, min(64, channels))
    for c in range(channels):
        assert lane(section, c).view(np.int32)[c // 64] == c


@pytest.mark.parametrize("channels", [3, 70])
def test_requantization_has_a_slot_of_64_bytes_a_channel(channels):
    values = np.arange(channels * 3, dtype=np.int32).reshape(channels, 3)
    section = Constant("requantization", Form.ALIGNED, (channels, 3), "i32").pack(values, min(64, channels))
    for c in range(channels):
        np.testing.assert_array_equal(lane(section, c).view(np.int32)[c // 64 * 16 :][:3], values[c])


@pytest.mark.parametrize("ic", [1, 64, 70])
def test_an_8_bit_filter_has_64_input_channels_side_by_side(ic):
    values = np.random.default_rng(0).integers(-128, 128, (66, ic, 2, 3), dtype=np.int8)
    constant = Constant("filter", Form.GROUPED, values.shape, "i8")
    section = constant.pack(values, 64)
    for o, i, y, x in [(0, 0, 0, 0), (65, ic - 1, 1, 2), (63, ic // 2, 0, 1)]:
        offset = o // 64 * constant.slot_bytes + ((i // 64 * 2 + y) * 3 + x) * 64 + i % 64
        assert lane(section, o).view(np.int8)[offset] == values[o, i, y, x]


def test_a_table_is_in_every_lane():
    table = np.arange(256, dtype=np.uint8)
    section = Constant("table", Form.EVERY_LANE, (256,), "u8").pack(table, 5)
    assert (section == table).all()


def test_the_sections_of_a_block_follow_each_other():
    block = Block.of([Constant("a", Form.COMPACT, (5,), "i32"), Constant("b", Form.EVERY_LANE, (256,), "u8")], 5)
    assert block.offsets() == {"a": 0, "b": 64} and block.lane_bytes == 320 and block.lanes == 5
    data = block.pack({"a": np.arange(5, dtype=np.int32), "b": np.zeros(256, np.uint8)})
    assert data.size == block.size_bytes == 5 * 320
