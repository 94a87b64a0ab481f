import numpy as np
import pytest

MODES = {"half_pixel": "round_prefer_floor", "pytorch_half_pixel": "round_prefer_floor", "asymmetric": "floor",
         "align_corners": "round_prefer_floor"}


@pytest.mark.parametrize("coordinates, nearest_mode", MODES.items())
@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize("size", [(8, 12), (6, 9), (3, 3), (1, 5)])
def test_as_onnxruntime(coordinates, nearest_mode, mode, size, run_op, run_onnx, normal):
    x = normal(1, 2, 4, 6)
    sizes = np.array([1, 2, *size], np.int64)
    expected = run_onnx("Resize", [x, None, None, sizes], mode=mode, coordinate_transformation_mode=coordinates,
                        nearest_mode=nearest_mode)
    got = run_op("Interp", [x, None], expected.shape, coord_mode=coordinates, mode=mode, scale_h=-1.0, scale_w=-1.0)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_upsample_repeats(run_op):
    x = np.array([[[[1, 2]]]], np.float32)
    got = run_op("Upsample", [x], (1, 1, 2, 6), scale_h=2, scale_w=3)
    np.testing.assert_array_equal(got[0, 0], [[1, 1, 1, 2, 2, 2]] * 2)
