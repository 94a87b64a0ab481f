import numpy as np
import pytest

CASES = [((9, 10), (3, 3), (2, 2), (1, 1, 1, 1)), ((8, 8), (2, 3), (2, 1), (0, 1, 0, 1)), ((7,), (3,), (2,), (1, 1)),
         ((6, 5, 4), (2, 2, 2), (2, 1, 2), (0, 1, 0, 0, 0, 1))]


@pytest.mark.parametrize("spatial, kernel, strides, pads", CASES)
def test_pools_as_onnxruntime(spatial, kernel, strides, pads, run_op, run_onnx, normal):
    x = normal(2, 3, *spatial) - 3
    attributes = {"kernel_shape": kernel, "strides": strides, "pads": pads}
    expected = run_onnx("MaxPool", [x], **attributes)
    np.testing.assert_array_equal(run_op("MaxPool", [x], expected.shape, **attributes), expected)
    for counted in (False, True):
        expected = run_onnx("AveragePool", [x], count_include_pad=int(counted), **attributes)
        got = run_op("AvgPool", [x], expected.shape, count_include_pad=counted, **attributes)
        np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_a_window_that_leaves_at_the_end_only_counts_real_cells(run_op):
    x = np.ones((1, 1, 3, 3), np.float32)
    attributes = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 1, 1]}
    np.testing.assert_array_equal(run_op("AvgPool", [x], (1, 1, 2, 2), count_include_pad=False, **attributes), 1)
    np.testing.assert_array_equal(
        run_op("AvgPool", [x], (1, 1, 2, 2), count_include_pad=True, **attributes)[0, 0], [[1, 0.5], [0.5, 0.25]])


@pytest.mark.parametrize("shape", [(1, 4, 1, 1), (1, 4)])
def test_an_empty_kernel_is_global(shape, run_op, normal):
    x = normal(1, 4, 7, 7)
    empty = {"kernel_shape": [], "strides": [], "pads": []}
    np.testing.assert_allclose(run_op("AvgPool", [x], shape, count_include_pad=True, **empty).ravel(), x.mean((2, 3)).ravel(), rtol=1e-5)
    np.testing.assert_array_equal(run_op("MaxPool", [x], shape, **empty).ravel(), x.max((2, 3)).ravel())


def test_adaptive_average(run_op):
    x = np.arange(5, dtype=np.float32).reshape(1, 1, 1, 5)
    np.testing.assert_allclose(run_op("AdaptiveAvgPool", [x], (1, 1, 1, 3), output_size=[1, 3])[0, 0, 0], [0.5, 2.0, 3.5])
