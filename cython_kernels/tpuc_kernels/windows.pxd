# cython: language_level=3
"""Shared by the modules with windows: reading the keyword arguments, and pad values per channel."""
from libc.stdint cimport int16_t, int64_t

cdef extern from "run.h" nogil:
    ctypedef struct run_options:
        int threads
        int simd

cdef extern from "window.h" nogil:
    ctypedef struct window:
        int64_t n, c, h, w, kernel_h, kernel_w, stride_y, stride_x, dilation_y, dilation_x, insert_y, insert_x
        int64_t up, down, left, right, pad_mode, out_h, out_w
    const char *window_init(window *)

cdef inline int fill_window(window *win, shape, kernel, stride, dilation, insert, pads, int pad_mode) except -1:
    win.n, win.c, win.h, win.w = shape
    win.kernel_h, win.kernel_w = kernel
    win.stride_y, win.stride_x = stride
    win.dilation_y, win.dilation_x = dilation
    win.insert_y, win.insert_x = insert
    win.up, win.down, win.left, win.right = pads
    win.pad_mode = pad_mode
    cdef const char *wrong = window_init(win)
    if wrong != NULL:
        raise ValueError(f"{wrong.decode()} (input {win.h} x {win.w}, kernel {win.kernel_h} x {win.kernel_w})")
    return 0
