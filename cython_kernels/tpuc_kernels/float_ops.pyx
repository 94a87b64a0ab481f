# cython: language_level=3, boundscheck=False, wraparound=False
"""Loops of the float evaluation and of calibration: windows over float32 planes, histograms.

Arrays are C-contiguous float32; a window is (kernel, stride, dilation, pads, result size) in (h, w) order, with pads
(top, left) before the plane. Not the chip's arithmetic: sums are taken in the order that is fastest. Every function
releases the GIL and uses one thread.
"""

import numpy as np

from libc.stdint cimport int64_t


cdef extern from "float_ops.h" nogil:
    ctypedef struct SlidingWindow:
        int h, w, kh, kw, stride_y, stride_x, dilation_y, dilation_x, top, left, oh, ow

    size_t tpuc_plane_floats(const SlidingWindow *window)
    void tpuc_im2col(const float *x, float *columns, float *plane, const SlidingWindow *window, int channels)
    void tpuc_depthwise(const float *x, const float *weights, float *y, float *plane, const SlidingWindow *window,
                        int planes, int channels)
    void tpuc_max_pool(const float *x, float *y, float *plane, const SlidingWindow *window, int planes)
    void tpuc_sum_pool(const float *x, float *y, float *plane, const SlidingWindow *window, int planes)
    void tpuc_bias_relu(float *y, const float *bias, size_t rows, size_t n, int channels, int relu, float limit)
    void tpuc_histogram(const float *x, size_t n, double bins_per_unit, int64_t *counts, int bins)


cdef SlidingWindow _window(int h, int w, kernel, stride, dilation, pads, size) except *:
    cdef SlidingWindow g
    g.h, g.w = h, w
    g.kh, g.kw = kernel
    g.stride_y, g.stride_x = stride
    g.dilation_y, g.dilation_x = dilation
    g.top, g.left = pads
    g.oh, g.ow = size
    if min(g.h, g.w, g.kh, g.kw, g.stride_y, g.stride_x, g.dilation_y, g.dilation_x, g.oh, g.ow) < 1:
        raise ValueError(f"window with an extent below 1: plane {h, w}, kernel {kernel}, stride {stride}, result {size}")
    return g


def im2col(const float[:, :, ::1] x, kernel, stride, dilation, pads, size, float[:, ::1] out):
    """The columns [c * kh * kw, oh * ow] of x [c, h, w], into `out`; zeros outside the plane."""
    cdef SlidingWindow g = _window(x.shape[1], x.shape[2], kernel, stride, dilation, pads, size)
    cdef int channels = x.shape[0]
    if out.shape[0] != channels * g.kh * g.kw or out.shape[1] != g.oh * g.ow:
        raise ValueError("columns of a wrong shape")
    cdef float[::1] plane = np.empty(tpuc_plane_floats(&g), np.float32)
    with nogil:
        tpuc_im2col(&x[0, 0, 0], &out[0, 0], &plane[0], &g, channels)


def depthwise(const float[:, :, :, ::1] x, const float[:, :, ::1] weights, stride, dilation, pads, size):
    """Convolution of x [n, c, h, w] with one kernel a channel, weights [c, kh, kw] -> [n, c, oh, ow]."""
    if weights.shape[0] != x.shape[1]:
        raise ValueError("one kernel a channel is needed")
    cdef SlidingWindow g = _window(x.shape[2], x.shape[3], (weights.shape[1], weights.shape[2]), stride, dilation, pads, size)
    cdef int channels = x.shape[1], planes = x.shape[0] * x.shape[1]
    result = np.empty((x.shape[0], channels, g.oh, g.ow), np.float32)
    cdef float[:, :, :, ::1] y = result
    cdef float[::1] plane = np.empty(tpuc_plane_floats(&g), np.float32)
    with nogil:
        tpuc_depthwise(&x[0, 0, 0, 0], &weights[0, 0, 0], &y[0, 0, 0, 0], &plane[0], &g, planes, channels)
    return result


def pool(str kind, const float[:, :, :, ::1] x, kernel, stride, pads, size):
    """The "max" or the "sum" of each window of x [n, c, h, w] -> [n, c, oh, ow]; outside the plane lies -inf or 0."""
    cdef SlidingWindow g = _window(x.shape[2], x.shape[3], kernel, stride, (1, 1), pads, size)
    cdef int planes = x.shape[0] * x.shape[1]
    result = np.empty((x.shape[0], x.shape[1], g.oh, g.ow), np.float32)
    cdef float[:, :, :, ::1] y = result
    cdef float[::1] plane = np.empty(tpuc_plane_floats(&g), np.float32)
    cdef bint is_max = kind == "max"
    if not is_max and kind != "sum":
        raise ValueError(f'unknown kind of pooling "{kind}"')
    with nogil:
        if is_max:
            tpuc_max_pool(&x[0, 0, 0, 0], &y[0, 0, 0, 0], &plane[0], &g, planes)
        else:
            tpuc_sum_pool(&x[0, 0, 0, 0], &y[0, 0, 0, 0], &plane[0], &g, planes)
    return result


def bias_relu(float[:, :, ::1] y, const float[::1] bias, bint relu=False, float limit=float("inf")):
    """y [n, c, cells] += bias [c] in place; with `relu` max with 0, then min with `limit`."""
    if bias.shape[0] != y.shape[1]:
        raise ValueError("one bias a channel is needed")
    cdef size_t rows = y.shape[0] * y.shape[1], cells = y.shape[2]
    with nogil:
        tpuc_bias_relu(&y[0, 0, 0], &bias[0], rows, cells, y.shape[1], relu, limit)


def histogram(const float[::1] x, double bins_per_unit, int64_t[::1] counts):
    """Add the magnitudes of x to `counts`: bin i holds i <= |x| * bins_per_unit < i + 1, the last one all above too."""
    if x.shape[0] and counts.shape[0]:
        with nogil:
            tpuc_histogram(&x[0], x.shape[0], bins_per_unit, &counts[0], counts.shape[0])
