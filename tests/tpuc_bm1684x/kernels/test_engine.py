"""Sweeps on slices of rows compute what they compute on the whole."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tpuc_bm1684x.kernels.array_engine import ArrayEngine
from tpuc_bm1684x.kernels.engine import GlobalView, Rows, Sweep


@st.composite
def sweeps(draw):
    kernel, stride, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    insert = draw(st.integers(0, 2))
    pads = draw(st.tuples(*[st.integers(0, 3)] * 4))
    return Sweep((kernel, kernel), (stride, stride), (dilation, dilation), pads, (insert, insert))


@given(sweeps(), st.integers(3, 12), st.data())
def test_a_sweep_on_some_rows(sweep, height, data):
    enlarged = (height - 1) * (sweep.insert[0] + 1) + 1 + sweep.pads[0] + sweep.pads[1]
    rows = (enlarged - (sweep.kernel[0] - 1) * sweep.dilation[0] - 1) // sweep.stride[0] + 1
    width = (height - 1) * (sweep.insert[1] + 1) + 1 + sum(sweep.pads[2:])
    columns = (width - (sweep.kernel[1] - 1) * sweep.dilation[1] - 1) // sweep.stride[1] + 1
    assume(rows >= 1 and columns >= 1)
    start = data.draw(st.integers(0, rows - 1))
    part = Rows(start, data.draw(st.integers(start + 1, rows)))
    needed = sweep.input_rows(part, height)
    assume(needed.start < needed.stop)
    on_rows = sweep.on_rows(part, height)
    assume(min(on_rows.pads) >= 0)
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (1, 3, height, height), dtype=np.int8)
    weight = rng.integers(-128, 128, (2, 3, *sweep.kernel), dtype=np.int8)
    engine = ArrayEngine({})
    whole, slice_ = np.empty((1, 2, rows, columns), np.int32), np.empty((1, 2, len(part), columns), np.int32)
    engine.conv(whole, x, weight, None, sweep)
    engine.conv(slice_, np.ascontiguousarray(x[:, :, needed.start : needed.stop]), weight, None, on_rows)
    np.testing.assert_array_equal(slice_, whole[:, :, part.start : part.stop])


def test_views_of_global_memory_are_boxes_with_strides():
    data = np.arange(2 * 3 * 4 * 5, dtype=np.int32).reshape(2, 3, 4, 5)
    view = GlobalView.whole("x", "i32", data.shape).part((1, 0, 1, 0), (2, 3, 4, 5), (1, 2, 1, 3))
    out = np.empty(view.shape, np.int32)
    ArrayEngine({"x": data}).load(out, view)
    np.testing.assert_array_equal(out, data[1:2, 0:3:2, 1:4, 0:5:3])


@pytest.mark.parametrize("operation", ["add_saturated", "mul_shift"])
def test_a_signed_operand_cannot_saturate_to_an_unsigned_result(operation):
    engine, x = ArrayEngine({}), np.ones((1, 1, 1, 1), np.int8)
    extra = () if operation == "add_saturated" else (0, 5)
    with pytest.raises(ValueError, match="does not saturate"):
        getattr(engine, operation)(np.empty((1, 1, 1, 1), np.uint8), x, x, *extra)
