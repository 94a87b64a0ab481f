# cython: language_level=3, boundscheck=False, wraparound=False
"""Depthwise convolution and pooling as the chip computes them (PorD), on contiguous arrays [n, c, h, w].

The keywords stride, dilation, insert, pads, pad_mode, pad_value, insert_value and rotate are those of tpuc_kernels.conv. The pad value takes
part in a maximum and in an average like any other element: a maximum wants the lowest value there.
"""
import numpy as np

cimport numpy as cnp
from libc.stdint cimport int16_t, int32_t, int64_t, uint16_t

from tpuc_kernels.dispatch cimport threads, use_avx2
from tpuc_kernels.operands cimport check_memory, half_bits, per_channel, result_array, widened
from tpuc_kernels.windows cimport fill_window, run_options, window

cnp.import_array()

cdef extern from "conv.h" nogil:
    ctypedef enum integer_kind:
        FROM_I8, FROM_U8, FROM_I16

cdef extern from "pool.h" nogil:
    ctypedef enum pool_kind:
        POOL_DEPTHWISE, POOL_AVERAGE, POOL_MAXIMUM
    ctypedef struct pool_f32_job:
        pool_kind kind
        const float *weights
        const float *bias
        float multiplier
        const float *pads
        const float *inserts
    ctypedef enum float_kind:
        TO_F32, TO_F16, TO_BF16
    ctypedef struct pool_half_job:
        pool_kind kind
        float_kind type
        const float *weights
        const float *bias
        float multiplier
        const uint16_t *pads
        const uint16_t *inserts
    ctypedef struct pool_int_job:
        pool_kind kind
        const int16_t *weights
        const int32_t *bias
        int is_signed, relu, shift, rounding, bits
        int32_t multiplier
        const int16_t *pads
        const int16_t *inserts
    int pool_f32_c "pool_f32"(const window *, const pool_f32_job *, const float *, float *, run_options)
    int pool_half_c "pool_half"(const window *, const pool_half_job *, const uint16_t *, uint16_t *, run_options)
    int pool_int_c "pool_int"(const window *, const pool_int_job *, const void *, integer_kind, void *, run_options)

NO_PADS = (0, 0, 0, 0)
LOWEST_F32 = np.finfo(np.float32).min
LOWEST_BITS = {"f16": np.uint16(0xFBFF), "bf16": np.uint16(0xFF7F)}


cdef kernel_of(w, x):
    """The window of a depthwise kernel [c, kh, kw], checked against the input."""
    if w.ndim != 3 or w.shape[0] != x.shape[1]:
        raise ValueError(f"weights: {w.shape}; [{x.shape[1]}, kh, kw] would be right")
    return w.shape[1:]


cdef float_pool(pool_kind kind, x, const window *win, w, bias, multiplier, pad_value, insert_value, out):
    if x.dtype != np.float32 or x.ndim != 4:
        raise ValueError(f"input: {x.dtype} {x.shape}; float32 [n, c, h, w] would be right")
    cdef cnp.ndarray data = np.ascontiguousarray(x), result = result_array(out, (win.n, win.c, win.out_h, win.out_w), np.float32)
    cdef cnp.ndarray pad = per_channel(pad_value, win.c, np.float32, "pad_value")
    cdef cnp.ndarray ins = per_channel(insert_value, win.c, np.float32, "insert_value")
    cdef cnp.ndarray weights = np.ascontiguousarray(w, np.float32) if kind == POOL_DEPTHWISE else None
    cdef cnp.ndarray biases = per_channel(0 if bias is None else bias, win.c, np.float32, "bias")
    cdef cnp.ndarray factor = np.asarray(multiplier, np.float32)  # as an array: a NaN keeps its bits
    cdef pool_f32_job job
    job.kind = kind
    job.multiplier = (<const float *>factor.data)[0]
    job.weights = <const float *>weights.data if kind == POOL_DEPTHWISE else NULL
    job.bias = <const float *>biases.data
    job.pads, job.inserts = <const float *>pad.data, <const float *>ins.data
    cdef run_options run = run_options(threads, use_avx2)
    cdef int status
    with nogil:
        status = pool_f32_c(win, &job, <const float *>data.data, <float *>result.data, run)
    check_memory(status)
    return result


cdef integer_pool(pool_int_job *job, x, const window *win, w, bias, pad_value, insert_value, result_type, out):
    if x.dtype not in (np.int8, np.uint8) or x.ndim != 4:
        raise ValueError(f"input: {x.dtype} {x.shape}; int8 or uint8 [n, c, h, w] would be right")
    if np.dtype(result_type).kind not in "iu" or np.dtype(result_type).itemsize > 4:
        raise ValueError(f"result: {np.dtype(result_type)}; an integer type of 8, 16 or 32 bits would be right")
    cdef cnp.ndarray data = np.ascontiguousarray(x), result = result_array(out, (win.n, win.c, win.out_h, win.out_w), result_type)
    cdef cnp.ndarray pad = per_channel(pad_value, win.c, np.int16, "pad_value")
    cdef cnp.ndarray ins = per_channel(insert_value, win.c, np.int16, "insert_value")
    cdef cnp.ndarray weights = np.ascontiguousarray(w, np.int16) if job.kind == POOL_DEPTHWISE else None
    cdef cnp.ndarray biases = per_channel(0 if bias is None else bias, win.c, np.int64, "bias").astype(np.int32)
    job.weights = <const int16_t *>weights.data if job.kind == POOL_DEPTHWISE else NULL
    job.bias = <const int32_t *>biases.data
    job.bits = 8 * result.itemsize
    job.pads, job.inserts = <const int16_t *>pad.data, <const int16_t *>ins.data
    cdef integer_kind kind = FROM_I8 if x.dtype == np.int8 else FROM_U8
    cdef run_options run = run_options(threads, use_avx2)
    cdef int status
    with nogil:
        status = pool_int_c(win, job, <const void *>data.data, kind, <void *>result.data, run)
    check_memory(status)
    return result


cdef half_pool(pool_kind pooling, str kind, x, const window *win, w, bias, multiplier, pad_value, insert_value, out):
    cdef cnp.ndarray data = half_bits(x, kind, "input")
    cdef cnp.ndarray result = result_array(out, (win.n, win.c, win.out_h, win.out_w), np.float16 if kind == "f16" else np.uint16)
    cdef cnp.ndarray pad = per_channel(half_bits(pad_value, kind, "pad_value"), win.c, np.uint16, "pad_value")
    cdef cnp.ndarray ins = per_channel(half_bits(insert_value, kind, "insert_value"), win.c, np.uint16, "insert_value")
    cdef cnp.ndarray weights = widened(w, kind, "weights") if pooling == POOL_DEPTHWISE else None
    cdef cnp.ndarray biases = per_channel(np.float32(0) if bias is None else widened(bias, kind, "bias"), win.c, np.float32, "bias")
    cdef cnp.ndarray factor = widened(multiplier, kind, "multiplier")
    cdef pool_half_job job
    job.kind, job.type = pooling, TO_F16 if kind == "f16" else TO_BF16
    job.weights = <const float *>weights.data if pooling == POOL_DEPTHWISE else NULL
    job.bias, job.multiplier = <const float *>biases.data, (<const float *>factor.data)[0]
    job.pads, job.inserts = <const uint16_t *>pad.data, <const uint16_t *>ins.data
    cdef run_options run = run_options(threads, use_avx2)
    cdef int status
    with nogil:
        status = pool_half_c(win, &job, <const uint16_t *>data.data, <uint16_t *>result.data, run)
    check_memory(status)
    return result


def depthwise_half(str kind, x, w, bias=None, *, stride=(1, 1), dilation=(1, 1), insert=(0, 0), pads=NO_PADS, pad_value=0,
                   insert_value=0, int pad_mode=0, bint rotate=False, out=None):
    """As depthwise_f32 on elements of `kind` "f16" (float16) or "bf16" (uint16 bit patterns), all operands of that kind:
    every product and every sum rounds to it, a NaN becomes 0x7fff."""
    cdef window win
    fill_window(&win, x.shape, kernel_of(w, x), stride, dilation, insert, pads, pad_mode)
    return half_pool(POOL_DEPTHWISE, kind, x, &win, w[:, ::-1, ::-1] if rotate else w, bias, 0, pad_value, insert_value, out)


def average_half(str kind, x, kernel, multiplier, *, stride=(1, 1), dilation=(1, 1), insert=(0, 0), pads=NO_PADS, pad_value=0,
                 insert_value=0, int pad_mode=0, out=None):
    """As average_f32 on elements of `kind` "f16" or "bf16"; the multiplier is of that kind too."""
    cdef window win
    fill_window(&win, x.shape, kernel, stride, dilation, insert, pads, pad_mode)
    return half_pool(POOL_AVERAGE, kind, x, &win, None, None, multiplier, pad_value, insert_value, out)


def maximum_half(str kind, x, kernel, *, stride=(1, 1), dilation=(1, 1), insert=(0, 0), pads=NO_PADS, pad_value=None,
                 insert_value=None, int pad_mode=0, out=None):
    """As maximum on elements of `kind` "f16" or "bf16"; denormals and NaNs keep their bits."""
    cdef window win
    fill_window(&win, x.shape, kernel, stride, dilation, insert, pads, pad_mode)
    lowest = LOWEST_BITS[kind].view(np.float16) if kind == "f16" else LOWEST_BITS[kind]
    return half_pool(POOL_MAXIMUM, kind, x, &win, None, None, 0, lowest if pad_value is None else pad_value,
                     lowest if insert_value is None else insert_value, out)


def depthwise_f32(x, w, bias=None, *, stride=(1, 1), dilation=(1, 1), insert=(0, 0), pads=NO_PADS, pad_value=0.0,
                  insert_value=0.0, int pad_mode=0, bint rotate=False, out=None):
    """float32 x [n, c, h, w], w [c, kh, kw], bias [c] -> float32 [n, c, oh, ow].

    The terms bias, products in the order kh, kw go to two accumulators in turn; the result is the first plus the second.
    """
    cdef window win
    fill_window(&win, x.shape, kernel_of(w, x), stride, dilation, insert, pads, pad_mode)
    return float_pool(POOL_DEPTHWISE, x, &win, w[:, ::-1, ::-1] if rotate else w, bias, 0, pad_value, insert_value, out)


def average_f32(x, kernel, multiplier, *, stride=(1, 1), dilation=(1, 1), insert=(0, 0), pads=NO_PADS, pad_value=0.0,
                insert_value=0.0, int pad_mode=0, out=None):
    """float32 x [n, c, h, w] -> the sum of x * multiplier over each window (kh, kw), in two accumulators that start with -0."""
    cdef window win
    fill_window(&win, x.shape, kernel, stride, dilation, insert, pads, pad_mode)
    return float_pool(POOL_AVERAGE, x, &win, None, None, multiplier, pad_value, insert_value, out)


def depthwise_int8(x, w, bias=None, *, stride=(1, 1), dilation=(1, 1), insert=(0, 0), pads=NO_PADS, pad_value=0, insert_value=0,
                   int pad_mode=0, bint rotate=False, int shift=0, int rounding=0, bint relu=False, result=np.int32, is_signed=None,
                   out=None):
    """8-bit x [n, c, h, w], w [c, kh, kw], 32-bit bias [c] -> [n, c, oh, ow] of the type `result`.

    bias + sum x * w wraps in 32 bits, is signed or not as `is_signed` says (default: as one of the operands is), shifted right by `shift` (0..255)
    with a rounding mode (0 half to even, 1 half away from zero, 2 to zero, 3 down, 4 up, 5 half up, 6 half down); relu: at least 0, then
    unsigned; 8 and 16 bits are saturated, 32 bits are the low ones.
    """
    if w.dtype not in (np.int8, np.uint8):
        raise ValueError(f"weights: {w.dtype}; int8 or uint8 would be right")
    if not (0 <= shift <= 255 and 0 <= rounding <= 7):
        raise ValueError(f"shift {shift}, rounding {rounding}; 0..255 and 0..7 would be right")
    cdef window win
    fill_window(&win, x.shape, kernel_of(w, x), stride, dilation, insert, pads, pad_mode)
    cdef pool_int_job job
    job.kind, job.shift, job.rounding, job.relu, job.multiplier = POOL_DEPTHWISE, shift, rounding, relu, 1
    job.is_signed = is_signed_depthwise(x, w, bias) if is_signed is None else is_signed
    return integer_pool(&job, x, &win, w[:, ::-1, ::-1] if rotate else w, bias, pad_value, insert_value, result, out)


cdef bint is_signed_depthwise(x, w, bias):
    return x.dtype == np.int8 or w.dtype == np.int8 or (bias is not None and np.asarray(bias).dtype.kind == "i")


def average_int8(x, kernel, int multiplier, int shift=0, *, stride=(1, 1), dilation=(1, 1), insert=(0, 0), pads=NO_PADS, pad_value=0,
                 insert_value=0, int pad_mode=0, result=np.int8, out=None):
    """8-bit x [n, c, h, w] -> (sum over each window (kh, kw)) * multiplier (0..255), shifted right by `shift` (half up, where positive),
    saturated by the sign of x to `result` (32 bits: the low ones)."""
    if not 0 <= multiplier <= 255:
        raise ValueError(f"multiplier: {multiplier}; 0..255 would be right")
    cdef window win
    fill_window(&win, x.shape, kernel, stride, dilation, insert, pads, pad_mode)
    cdef pool_int_job job
    job.kind, job.shift, job.rounding, job.relu, job.multiplier = POOL_AVERAGE, shift, 5, 0, multiplier
    job.is_signed = x.dtype == np.int8
    return integer_pool(&job, x, &win, None, None, pad_value, insert_value, result, out)


def maximum(x, kernel, *, stride=(1, 1), dilation=(1, 1), insert=(0, 0), pads=NO_PADS, pad_value=None, insert_value=None,
            int pad_mode=0, result=None, out=None):
    """float32, int8 or uint8 x [n, c, h, w] -> the maximum of each window (kh, kw), of x's type or, for integers, `result`.

    pad_value and insert_value are the lowest value of the type unless given. float32: the later of two values is taken unless the earlier is
    greater, starting with the lowest finite value: a NaN lasts only as the last element of a window; denormals become zeros.
    """
    cdef window win
    fill_window(&win, x.shape, kernel, stride, dilation, insert, pads, pad_mode)
    lowest = LOWEST_F32 if x.dtype == np.float32 else np.iinfo(x.dtype).min
    pad_value = lowest if pad_value is None else pad_value
    insert_value = lowest if insert_value is None else insert_value
    if x.dtype == np.float32:
        return float_pool(POOL_MAXIMUM, x, &win, None, None, 0, pad_value, insert_value, out)
    cdef pool_int_job job
    job.kind, job.shift, job.rounding, job.relu, job.multiplier = POOL_MAXIMUM, 0, 0, 0, 1
    job.is_signed = x.dtype == np.int8
    return integer_pool(&job, x, &win, None, None, pad_value, insert_value, x.dtype if result is None else result, out)
