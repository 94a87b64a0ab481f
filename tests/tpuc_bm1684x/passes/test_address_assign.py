"""Tensors that live at one time never share memory."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from nets import Net
from tpuc_bm1684x.passes.address_assign import PAGE_BYTES, Life, place

from tpuc_core.ir import address_of, shape_of

LIVES = st.lists(st.builds(lambda first, length, pages: Life(first, first + length, pages * PAGE_BYTES), st.integers(0, 20), st.integers(0, 8), st.integers(1, 9)), max_size=25)


@given(LIVES)
def test_lives_that_overlap_have_places_that_do_not(lives):
    total = place(lives, is_reused=True)
    for i, a in enumerate(lives):
        assert a.address % PAGE_BYTES == 0 and a.address + a.size_bytes <= total
        for b in lives[:i]:
            if a.first <= b.last and b.first <= a.last:
                assert a.address + a.size_bytes <= b.address or b.address + b.size_bytes <= a.address


@given(LIVES)
def test_reuse_never_takes_more(lives):
    assert place(lives, is_reused=True) <= place(lives, is_reused=False) == sum(life.size_bytes for life in lives)


def test_a_chain_of_large_tensors_reuses_memory(compiled):
    net = Net((1, 3, 64, 64))
    x = net.values[0]
    for _ in range(6):
        x = net.op("Permute", [x], [shape_of(x)[i] for i in (0, 2, 3, 1)], order=[0, 2, 3, 1])
    _, final = compiled(net.lowered("F32"))
    tensor_bytes = int(np.prod(shape_of(net.values[0]))) * 4
    assert final.get_attribute("neuron_size") <= 3 * tensor_bytes
    assert all(address_of(v) is not None for v in final.outputs)
