"""The allocator of local memory, and handles of parts of tensors."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tpuc_bm1684x.kernels.engine import Rows
from tpuc_bm1684x.kernels.local_memory import Allocator, DoesNotFit, Local


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 4000), st.integers(0, 50)), max_size=60))
def test_ranges_in_use_never_overlap_and_freed_memory_comes_back(actions):
    allocator, used = Allocator(16384), {}
    for is_take, size, pick in actions:
        if is_take:
            try:
                used[allocator.take(size)] = size
            except DoesNotFit:
                continue
        elif used:
            offset = sorted(used)[pick % len(used)]
            allocator.give_back(offset)
            del used[offset]
        ranges = sorted((o, o + s) for o, s in used.items())
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(ranges)) and all(o % 64 == 0 for o, _ in ranges)
    for offset in list(used):
        allocator.give_back(offset)
    assert allocator.free == [(0, 16384)]


def test_a_snapshot_brings_the_state_back():
    allocator = Allocator(1024)
    state = allocator.snapshot()
    allocator.take(512)
    allocator.restore(state)
    assert allocator.take(1024) == 0
    with pytest.raises(DoesNotFit):
        allocator.take(1)


def test_parts_of_a_tensor():
    x = Local.aligned(128, (2, 70, 6, 7), "i8")
    assert x.is_aligned and x.strides == (128, 64, 7, 1)
    assert x.rows(Rows(2, 4)).offset == 128 + 14 and not x.rows(Rows(2, 4)).is_aligned
    assert x.channels(64, 70).offset == 128 + 64
    assert x.images(1, 2).is_aligned
    assert x.window(slice(1, None, 2), slice(0, None, 3)).shape == (2, 70, 3, 3)
