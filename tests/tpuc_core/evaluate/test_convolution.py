import numpy as np
import pytest

CASES = [
    # n, ic, spatial, oc, group, kernel, strides, pads, dilations
    (1, 3, (11, 13), 8, 1, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1)),
    (2, 4, (8, 9), 6, 2, (3, 2), (1, 3), (0, 2, 1, 1), (2, 1)),
    (1, 6, (10, 10), 6, 6, (5, 3), (2, 1), (2, 1, 2, 0), (1, 2)),
    (1, 4, (9, 7), 8, 4, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1)),
    (2, 8, (5, 6), 7, 1, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1)),
    (1, 8, (5, 6), 4, 1, (1, 1), (2, 2), (0, 0, 0, 0), (1, 1)),
    (1, 2, (9,), 3, 1, (3,), (2,), (1, 0), (1,)),
    (2, 2, (5, 6, 7), 4, 2, (2, 3, 2), (1, 2, 1), (1, 1, 0, 0, 1, 1), (1, 1, 2)),
]


@pytest.mark.parametrize("case", CASES)
def test_conv_as_onnxruntime(case, run_op, run_onnx, normal):
    n, ic, spatial, oc, group, kernel, strides, pads, dilations = case
    x, weight, bias = normal(n, ic, *spatial), normal(oc, ic // group, *kernel), normal(oc)
    attributes = {"strides": strides, "pads": pads, "dilations": dilations, "group": group, "kernel_shape": kernel}
    expected = run_onnx("Conv", [x, weight, bias], **attributes)
    got = run_op("Conv", [x, weight, bias], expected.shape, **attributes)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    limited = run_op("Conv", [x, weight, bias], expected.shape, do_relu=True, relu_limit=1.0, **attributes)
    np.testing.assert_allclose(limited, np.clip(expected, 0, 1), rtol=1e-4, atol=1e-5)
    without = run_op("Conv", [x, weight, None], expected.shape, do_relu=True, relu_limit=-1.0, **attributes)
    np.testing.assert_allclose(without, np.maximum(run_onnx("Conv", [x, weight], **attributes), 0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("group, kernel, strides, pads, output_padding, dilations", [
    (1, (2, 2), (2, 2), (0, 0, 0, 0), (0, 0), (1, 1)),
    (1, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), (1, 1)),
    (2, (4, 3), (3, 1), (1, 0, 2, 1), (1, 0), (1, 2)),
    (4, (3, 3), (2, 2), (1, 1, 0, 0), (0, 0), (1, 1)),
    (1, (1, 1), (1, 1), (1, 1, 1, 1), (0, 0), (1, 1)),
])
def test_deconv_as_onnxruntime(group, kernel, strides, pads, output_padding, dilations, run_op, run_onnx, normal):
    x, weight, bias = normal(2, 4, 5, 6), normal(4, 4 // group, *kernel), normal(4)
    attributes = {"strides": strides, "pads": pads, "dilations": dilations, "group": group, "kernel_shape": kernel,
                  "output_padding": output_padding}
    expected = run_onnx("ConvTranspose", [x, weight, bias], **attributes)
    turned = weight.reshape(group, 4 // group, 4 // group, *kernel).swapaxes(1, 2).reshape(weight.shape)
    got = run_op("Deconv", [x, turned, bias], expected.shape, **attributes)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
