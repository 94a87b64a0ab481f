"""Windows and histograms against their definitions in numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tpuc_kernels import float_ops

pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
WINDOWS = st.fixed_dictionaries({
    "plane": st.tuples(st.integers(1, 9), st.integers(1, 9)), "kernel": pairs, "stride": pairs, "dilation": pairs,
    "pads": st.tuples(st.integers(0, 5), st.integers(0, 5)), "size": st.tuples(st.integers(1, 6), st.integers(1, 6)),
    "seed": st.integers(0, 2**32 - 1),
})


def windows(x, kernel, stride, dilation, pads, size, outside=0.0):
    """[c, kh, kw, oh, ow]: what each kernel cell meets."""
    room = [max(0, (o - 1) * s + (k - 1) * d + 1 - p - n)
            for o, s, k, d, p, n in zip(size, stride, kernel, dilation, pads, x.shape[1:])]
    x = np.pad(x, [(0, 0), *zip(pads, room)], constant_values=outside)
    rows = [np.arange(k)[:, None] * d + np.arange(o) * s for k, d, o, s in zip(kernel, dilation, size, stride)]
    return x[:, rows[0][:, None, :, None], rows[1][None, :, None, :]]


@given(WINDOWS)
@settings(max_examples=200, deadline=None)
def test_windows_meet_the_cells_that_they_should(case):
    random = np.random.default_rng(case.pop("seed"))
    x = random.standard_normal((2, *case.pop("plane"))).astype(np.float32)
    met = windows(x, **case)
    kernel, stride, dilation, pads, size = (case[k] for k in ("kernel", "stride", "dilation", "pads", "size"))
    columns = np.empty((2 * kernel[0] * kernel[1], size[0] * size[1]), np.float32)
    float_ops.im2col(x, kernel, stride, dilation, pads, size, columns)
    np.testing.assert_array_equal(columns, met.reshape(columns.shape))

    weights = random.standard_normal((2, *kernel)).astype(np.float32)
    got = float_ops.depthwise(x[None], weights, stride, dilation, pads, size)[0]
    np.testing.assert_allclose(got, np.einsum("cijyx,cij->cyx", met, weights), rtol=1e-4, atol=1e-5)

    case["dilation"] = (1, 1)
    got = float_ops.pool("max", x[None], kernel, stride, pads, size)[0]
    np.testing.assert_array_equal(got, windows(x, **case, outside=-np.inf).max((1, 2)))
    got = float_ops.pool("sum", x[None], kernel, stride, pads, size)[0]
    np.testing.assert_allclose(got, windows(x, **case).sum((1, 2)), rtol=1e-4, atol=1e-5)


def test_bias_and_limits():
    y = np.array([[[-3, 1, 5], [0, 2, np.nan]]], np.float32)
    expected = np.array([[[0, 2, 4], [0, 1, np.nan]]], np.float32)
    float_ops.bias_relu(y, np.float32([1, -1]), True, 4.0)
    np.testing.assert_array_equal(y, expected)
    float_ops.bias_relu(y, np.float32([-10, 0]))
    np.testing.assert_array_equal(y[0, 0], [-10, -8, -6])


def test_histogram_of_magnitudes():
    counts = np.zeros(4, np.int64)
    float_ops.histogram(np.float32([0, -0.4, 0.5, -0.99, 1.0, 2.5, -100, np.nan, np.inf]), 2.0, counts)
    np.testing.assert_array_equal(counts, [2, 2, 1, 3])


def test_wrong_shapes_are_refused():
    x = np.zeros((1, 2, 3, 3), np.float32)
    with pytest.raises(ValueError, match="columns"):
        float_ops.im2col(x[0], (2, 2), (1, 1), (1, 1), (0, 0), (2, 2), np.zeros((8, 5), np.float32))
    with pytest.raises(ValueError, match="one kernel a channel"):
        float_ops.depthwise(x, np.zeros((3, 2, 2), np.float32), (1, 1), (1, 1), (0, 0), (2, 2))
    with pytest.raises(ValueError, match="below 1"):
        float_ops.pool("max", x, (2, 2), (0, 1), (0, 0), (2, 2))
