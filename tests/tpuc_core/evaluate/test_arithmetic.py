"""elementwise, matmul, normalization, reduction, indexing."""

import numpy as np
import pytest


def test_add_has_coefficients_and_fused_relu(run_op):
    x, y = np.float32([1, -2, 9]), np.float32([1, 1, 1])
    np.testing.assert_array_equal(run_op("Add", [x, y], (3,), coeff=[1.0, -1.0], do_relu=True, relu_limit=6.0), [0, 0, 6])
    np.testing.assert_array_equal(x, [1, -2, 9])  # operands stay


@pytest.mark.parametrize("kind", ["Add", "Mul"])
def test_a_relu_behind_a_single_operand_leaves_it_alone(kind, run_op):
    x = np.array([-1.0, 2.0], np.float32)
    assert run_op(kind, [x], (2,), do_relu=True).tolist() == [0.0, 2.0] and x.tolist() == [-1.0, 2.0]


def test_constants_and_reversed_operands(run_op):
    x = np.float32([2, 4])
    np.testing.assert_array_equal(run_op("SubConst", [x], (2,), const_val=1.0), [1, 3])
    np.testing.assert_array_equal(run_op("SubConst", [x], (2,), const_val=1.0, is_reverse=True), [-1, -3])
    np.testing.assert_array_equal(run_op("Reciprocal", [x], (2,), const_val=8.0), [4, 2])
    np.testing.assert_array_equal(run_op("CompareConst", [x], (2,), const_val=3.0, mode="Less", inversed=True), [0, 1])
    np.testing.assert_array_equal(
        run_op("Where", [np.float32([1, 0]), None, x], (2,), x_is_const=True, x_const_val=7.0), [7, 4])


@pytest.mark.parametrize("transposes", [(), ("left_transpose",), ("right_transpose",), ("left_transpose", "right_transpose")])
def test_matmul_with_transposes(transposes, run_op, normal):
    a, b, bias = normal(2, 3, 4), normal(2, 4, 5), normal(5)
    left = a.swapaxes(1, 2) if "left_transpose" in transposes else a
    right = b.swapaxes(1, 2) if "right_transpose" in transposes else b
    got = run_op("MatMul", [left, right, bias], (2, 3, 5), **dict.fromkeys(transposes, True))
    np.testing.assert_allclose(got, a @ b + bias, rtol=1e-5)


def test_matmul_keeps_a_dropped_dim_away(run_op, normal):
    a, b = normal(4), normal(4, 5)
    np.testing.assert_allclose(run_op("MatMul", [a[None], b, None], (5,), keep_dims=False), a @ b, rtol=1e-5)


def test_norms_as_onnxruntime(run_op, run_onnx, normal):
    x, gamma, beta = normal(2, 6, 4, 5), normal(6), normal(6)
    mean, variance = normal(6), np.abs(normal(6)) + 0.1
    expected = run_onnx("BatchNormalization", [x, gamma, beta, mean, variance], epsilon=1e-3)
    np.testing.assert_allclose(run_op("BatchNorm", [x, mean, variance, gamma, beta], x.shape, epsilon=1e-3), expected, rtol=1e-4, atol=1e-5)
    expected = run_onnx("InstanceNormalization", [x, gamma, beta], epsilon=1e-5)
    np.testing.assert_allclose(run_op("InstanceNorm", [x, gamma, beta], x.shape, eps=1e-5), expected, rtol=1e-4, atol=1e-5)
    expected = run_onnx("LRN", [x], size=3, alpha=0.1, beta=0.75, bias=2.0)
    np.testing.assert_allclose(run_op("LRN", [x], x.shape, size=3, alpha=0.1, beta=0.75, bias=2.0), expected, rtol=1e-5)
    weight = normal(4, 5)
    expected = run_onnx("LayerNormalization", [x, weight], opset=17, axis=2)
    np.testing.assert_allclose(run_op("LayerNorm", [x, weight, None], x.shape, axis=-2, eps=1e-5), expected, rtol=1e-4, atol=1e-5)


def test_softmax_as_onnxruntime(run_op, run_onnx, normal):
    x = normal(2, 3, 4) * 20
    np.testing.assert_allclose(run_op("Softmax", [x], x.shape, axis=1), run_onnx("Softmax", [x], axis=1), rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(run_op("Softmax", [x], x.shape, axis=1, log=True), run_onnx("LogSoftmax", [x], axis=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2"])
def test_reductions_as_onnxruntime(mode, run_op, run_onnx, normal):
    x = normal(2, 3, 4)
    axes = {"ReduceSum": [x, np.array([0, 2], np.int64)]}.get(mode)
    expected = run_onnx(mode, axes or [x], **({} if axes else {"axes": [0, 2]}))
    np.testing.assert_allclose(run_op("Reduce", [x], expected.shape, mode=mode, axes=[0, 2], keepdims=True), expected, rtol=1e-5)


def test_arg_takes_the_first_or_the_last_of_equals(run_op):
    x = np.float32([[1, 5, 5, 0]])
    for last, place in ((False, 1), (True, 2)):
        indices, values = run_op("Arg", [x], [(1,), (1,)], axis=1, mode="ArgMax", select_last_index=last)
        assert (indices[0], values[0]) == (place, 5)


def test_top_k_is_in_order(run_op):
    values, indices = run_op("TopK", [np.float32([[3, 9, 9, 1]])], [(1, 3), (1, 3)], K=3, axis=1, largest=True)
    np.testing.assert_array_equal(values, [[9, 9, 3]])
    np.testing.assert_array_equal(indices, [[1, 2, 0]])


def test_gathers_as_onnxruntime(run_op, run_onnx, normal):
    x, places = normal(5, 4), np.array([[0, -1], [2, 3]], np.int64)
    expected = run_onnx("Gather", [x, places], axis=1)
    np.testing.assert_array_equal(run_op("Gather", [x, places.astype(np.float32)], expected.shape, axis=1), expected)
    expected = run_onnx("GatherND", [x, np.array([[0, 1], [4, 3]], np.int64)])
    np.testing.assert_array_equal(run_op("GatherND", [x, np.float32([[0, 1], [4, 3]])], expected.shape), expected)
