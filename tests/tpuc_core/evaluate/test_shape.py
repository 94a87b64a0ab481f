import numpy as np
import pytest


def test_slice_forwards_backwards_and_open(run_op):
    x = np.arange(20, dtype=np.float32).reshape(4, 5)
    slice_ = {"ends": [4, 2**63 - 1], "axes": []}
    none = [None] * 3
    np.testing.assert_array_equal(run_op("Slice", [x, *none], (2, 2), offset=[1, 1], steps=[2, 3], **slice_), x[1::2, 1::3])
    np.testing.assert_array_equal(run_op("Slice", [x, *none], (4, 5), offset=[-1, 0], steps=[-1, 1], **slice_), x[::-1])
    np.testing.assert_array_equal(
        run_op("Slice", [x, *none], (4, 2), offset=[3], steps=[1], axes=[1], ends=[5]), x[:, 3:])


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
def test_pad_as_onnxruntime(mode, run_op, run_onnx, normal):
    x = normal(1, 2, 4, 5)
    paddings = [0, 0, 1, 2, 0, 0, 2, 1]
    expected = run_onnx("Pad", [x, np.array(paddings, np.int64)], mode=mode)
    np.testing.assert_array_equal(run_op("Pad", [x], expected.shape, paddings=paddings, mode=mode, val=0.0), expected)


def test_negative_padding_cuts(run_op):
    x = np.arange(5, dtype=np.float32)
    np.testing.assert_array_equal(run_op("Pad", [x], (5,), paddings=[-1, 1], mode="constant", val=9.0), [1, 2, 3, 4, 9])


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space_and_back(mode, run_op, run_onnx, normal):
    x = normal(1, 12, 3, 2)
    expected = run_onnx("DepthToSpace", [x], blocksize=2, mode=mode)
    attributes = {"block_h": 2, "block_w": 2, "is_CRD": mode == "CRD", "in_is_NCHW": True, "out_is_NCHW": True}
    np.testing.assert_array_equal(run_op("Depth2Space", [x], expected.shape, is_inversed=False, **attributes), expected)
    np.testing.assert_array_equal(run_op("Depth2Space", [expected], x.shape, is_inversed=True, **attributes), x)


def test_space_to_depth_as_onnxruntime(run_op, run_onnx, normal):
    x = normal(1, 3, 4, 6)
    expected = run_onnx("SpaceToDepth", [x], blocksize=2)
    got = run_op("Depth2Space", [x], expected.shape, block_h=2, block_w=2, is_CRD=False, is_inversed=True, in_is_NCHW=True,
                 out_is_NCHW=True)
    np.testing.assert_array_equal(got, expected)


def test_concat_split_permute_shuffle(run_op, normal):
    x = normal(1, 6, 2, 2)
    parts = run_op("Split", [x], [(1, 2, 2, 2), (1, 4, 2, 2)], axis=1)
    assert [p.shape for p in parts] == [(1, 2, 2, 2), (1, 4, 2, 2)]
    np.testing.assert_array_equal(run_op("Concat", parts, x.shape, axis=1), x)
    assert run_op("Permute", [x], (2, 1, 6, 2), order=[2, 0, 1, 3]).shape == (2, 1, 6, 2)
    shuffled = run_op("ShuffleChannel", [x], x.shape, group=2)
    np.testing.assert_array_equal(shuffled[0, :, 0, 0], x[0, [0, 3, 1, 4, 2, 5], 0, 0])
