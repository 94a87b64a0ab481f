# cython: language_level=3, boundscheck=False, wraparound=False
"""Convolution as the chip computes it (CONV), on contiguous arrays [n, c, h, w].

Common keywords: stride (y, x); dilation (y, x); insert (y, x), the number of values inserted between neighbours of the input;
pads (up, down, left, right), put around that; pad_mode 0 value, 1 reflect, 2 edge, 3 circular (of the input with its inserted values);
pad_value and insert_value, one for all or one for each input channel; rotate: the kernel is turned by 180 degrees.
A transposed convolution has insert = stride - 1, rotate, stride 1.
"""
import numpy as np

cimport numpy as cnp
from libc.stdint cimport int16_t, int32_t, int64_t

from tpuc_kernels.dispatch cimport threads, use_avx2
from tpuc_kernels.operands cimport array_of, check_memory, per_channel, result_array, widened
from tpuc_kernels.windows cimport fill_window, run_options, window

cnp.import_array()

cdef extern from "gemm.h" nogil:
    ctypedef struct gemm_finish:
        int is_signed, bits, requantize, relu
        int32_t shift
        const int32_t *row_bias
        const int32_t *old
        void *result
    int64_t gemm_packed_size(int64_t rows, int64_t depth)
    void gemm_f32_pack(const float *, int64_t rows, int64_t depth, float *packed)
    void gemm_int_pack(const int16_t *, int64_t rows, int64_t channels, int64_t taps, int32_t *packed)

cdef extern from "conv.h" nogil:
    ctypedef enum float_kind:
        TO_F32, TO_F16, TO_BF16
    int conv_blocked_c "conv_blocked"(const window *, const float *, const float *, int64_t oc, const float *bias, const float *old,
                                      const float *pads, const float *inserts, float_kind, void *result, run_options)
    ctypedef enum integer_kind:
        FROM_I8, FROM_U8, FROM_I16
    int conv_f32_c "conv_f32"(const window *, const float *, const float *, int64_t oc, const float *bias, const float *old,
                              const float *pads, const float *inserts, float *result, run_options)
    int conv_int_c "conv_int"(const window *, const void *, integer_kind, const int32_t *, int64_t oc, const int16_t *pads,
                              const int16_t *inserts, const gemm_finish *, run_options)

NO_PADS = (0, 0, 0, 0)
CHANNEL_GROUP = 32  # input channels of a block of products
RESULT_TYPES = {"f16": np.float16, "bf16": np.uint16, "f32": np.float32}


class PackedWeights:
    """Weights [oc, ic, kh, kw] in the order of the inner loops: made once by a pack function, used in place of the array."""

    __slots__ = ("data", "is_signed", "shape")

    def __init__(self, data, shape, is_signed):
        self.data, self.shape, self.is_signed = data, shape, is_signed

    def __repr__(self):
        kind = "f32" if self.data.dtype == np.float32 else "integer"
        return f"PackedWeights({kind}, {self.shape})"


def pack_f32(w, bint rotate=False):
    """PackedWeights of float32 [oc, ic, kh, kw]."""
    w = array_of(w, np.float32, 4, "weights")
    cdef cnp.ndarray plain = np.ascontiguousarray(w[:, :, ::-1, ::-1] if rotate else w)
    cdef int64_t rows = plain.shape[0], depth = plain.size // max(rows, 1)
    cdef cnp.ndarray packed = np.empty(gemm_packed_size(rows, depth), np.float32)
    gemm_f32_pack(<const float *>plain.data, rows, depth, <float *>packed.data)
    return PackedWeights(packed, w.shape, True)


def pack_int8(w, kernel_zero_point=0, bint rotate=False):
    """PackedWeights of int8, uint8 or int16 [oc, ic, kh, kw], less the zero point (one, or one for each output channel)."""
    if w.dtype not in (np.int8, np.uint8, np.int16) or w.ndim != 4:
        raise ValueError(f"weights: {w.dtype} {w.shape}; int8, uint8 or int16 [oc, ic, kh, kw] would be right")
    zero_point = np.asarray(kernel_zero_point)
    signed = w.dtype != np.uint8 or bool((zero_point < 0).any())
    wide = w[:, :, ::-1, ::-1] if rotate else w
    if zero_point.any():
        wide = wide.astype(np.int32) - zero_point.reshape(-1, 1, 1, 1)
    cdef cnp.ndarray plain = np.ascontiguousarray(wide, np.int16)
    cdef int64_t oc = plain.shape[0], ic = plain.shape[1], taps = plain.shape[2] * plain.shape[3]
    cdef cnp.ndarray packed = np.empty(gemm_packed_size(oc, (ic + 1) // 2 * taps), np.int32)
    gemm_int_pack(<const int16_t *>plain.data, oc, ic, taps, <int32_t *>packed.data)
    return PackedWeights(packed, w.shape, signed)


def pack_f16(w, bint rotate=False):
    """PackedWeights of float16 [oc, ic, kh, kw]."""
    return pack_widened(widened(w, "f16", "weights"), rotate)


def pack_bf16(w, bint rotate=False):
    """PackedWeights of bf16 (uint16 bit patterns, or ml_dtypes' bfloat16) [oc, ic, kh, kw]."""
    return pack_widened(widened(w, "bf16", "weights"), rotate)


cdef pack_widened(w, bint rotate):
    """Groups of 32 input channels: group, kernel row and column, channel."""
    w = array_of(w, np.float32, 4, "weights")
    turned = w[:, :, ::-1, ::-1] if rotate else w
    groups = [turned[:, first:first + CHANNEL_GROUP].transpose(0, 2, 3, 1).reshape(w.shape[0], -1)
              for first in range(0, w.shape[1], CHANNEL_GROUP)]
    return PackedWeights(np.ascontiguousarray(np.concatenate(groups, axis=1)), w.shape, True)


cdef bint is_signed_product(x, weights):
    return x.dtype != np.uint8 or weights.is_signed


cdef check_channels(x, shape):
    if x.shape[1] != shape[1]:
        raise ValueError(f"the input has {x.shape[1]} channels, the weights {shape[1]}")


def conv_f32(x, w, bias=None, old=None, *, stride=(1, 1), dilation=(1, 1), insert=(0, 0), pads=NO_PADS, pad_value=0.0,
             insert_value=0.0, int pad_mode=0, bint rotate=False, out=None):
    """float32 x [n, ic, h, w], w [oc, ic, kh, kw] or PackedWeights (already rotated), bias [oc], old [n, oc, oh, ow]
    -> float32 [n, oc, oh, ow].

    Two accumulators start with bias and old (or 0). The products, in the order ic, kh, kw, go to them in turn: first to that of bias where
    there is an old result, else to the other. The result is the second plus the first. Each step rounds to float32, denormals are zeros.
    """
    cdef cnp.ndarray data = array_of(x, np.float32, 4, "input"), packed, result
    weights = w if isinstance(w, PackedWeights) else pack_f32(w, rotate)
    check_channels(x, weights.shape)
    cdef window win
    fill_window(&win, x.shape, weights.shape[2:], stride, dilation, insert, pads, pad_mode)
    cdef int64_t oc = weights.shape[0]
    packed = array_of(weights.data, np.float32, 1, "packed weights")
    result = result_array(out, (win.n, oc, win.out_h, win.out_w), np.float32)
    cdef cnp.ndarray pad = per_channel(pad_value, win.c, np.float32, "pad_value")
    cdef cnp.ndarray ins = per_channel(insert_value, win.c, np.float32, "insert_value")
    cdef cnp.ndarray biases = None if bias is None else per_channel(bias, oc, np.float32, "bias")
    cdef cnp.ndarray before = None if old is None else old_array(old, result, np.float32)
    cdef run_options run = run_options(threads, use_avx2)
    cdef const float *bias_data = NULL if bias is None else <const float *>biases.data
    cdef const float *old_data = NULL if old is None else <const float *>before.data
    cdef int status
    with nogil:
        status = conv_f32_c(&win, <const float *>data.data, <const float *>packed.data, oc, bias_data, old_data,
                            <const float *>pad.data, <const float *>ins.data, <float *>result.data, run)
    check_memory(status)
    return result


def conv_f16(x, w, bias=None, old=None, *, stride=(1, 1), dilation=(1, 1), insert=(0, 0), pads=NO_PADS, pad_value=0.0,
             insert_value=0.0, int pad_mode=0, bint rotate=False, result="f16", out=None):
    """float16 x [n, ic, h, w], w [oc, ic, kh, kw] or pack_f16 of it, float32 bias [oc] and old [n, oc, oh, ow]
    -> float16 or float32 (`result`: "f16", "f32") [n, oc, oh, ow].

    Blocks of the up to 32 products of a channel group at one kernel place (the block adder of MM2) are added to a float32
    accumulator that starts with bias + old; it is rounded once.
    """
    weights = w if isinstance(w, PackedWeights) else pack_f16(w, rotate)
    return blocked_convolution("f16", x, weights, bias, old, stride, dilation, insert, pads, pad_value, insert_value, pad_mode, result, out)


def conv_bf16(x, w, bias=None, old=None, *, stride=(1, 1), dilation=(1, 1), insert=(0, 0), pads=NO_PADS, pad_value=0.0,
              insert_value=0.0, int pad_mode=0, bint rotate=False, result="bf16", out=None):
    """As conv_f16, of bf16: uint16 bit patterns (pad_value and insert_value too); `result`: "bf16" (uint16), "f32"."""
    weights = w if isinstance(w, PackedWeights) else pack_bf16(w, rotate)
    return blocked_convolution("bf16", x, weights, bias, old, stride, dilation, insert, pads, pad_value, insert_value, pad_mode, result, out)


cdef blocked_convolution(str kind, x, weights, bias, old, stride, dilation, insert, pads, pad_value, insert_value, int pad_mode, result, out):
    if result not in (kind, "f32"):
        raise ValueError(f'result: "{result}"; "{kind}" or "f32" would be right')
    check_channels(x, weights.shape)
    cdef window win
    fill_window(&win, x.shape, weights.shape[2:], stride, dilation, insert, pads, pad_mode)
    cdef int64_t oc = weights.shape[0]
    cdef cnp.ndarray data = array_of(widened(x, kind, "input"), np.float32, 4, "input")
    cdef cnp.ndarray packed = array_of(weights.data, np.float32, 2, "packed weights")
    cdef cnp.ndarray values = result_array(out, (win.n, oc, win.out_h, win.out_w), RESULT_TYPES[result])
    cdef cnp.ndarray pad = per_channel(widened(pad_value, kind, "pad_value"), win.c, np.float32, "pad_value")
    cdef cnp.ndarray ins = per_channel(widened(insert_value, kind, "insert_value"), win.c, np.float32, "insert_value")
    cdef cnp.ndarray biases = per_channel(np.float32(0) if bias is None else bias, oc, np.float32, "bias")
    cdef cnp.ndarray before = None if old is None else old_array(old, values, np.float32)
    cdef const float *old_data = NULL if old is None else <const float *>before.data
    cdef float_kind to = TO_F32 if result == "f32" else TO_F16 if kind == "f16" else TO_BF16
    cdef run_options run = run_options(threads, use_avx2)
    cdef int status
    with nogil:
        status = conv_blocked_c(&win, <const float *>data.data, <const float *>packed.data, oc, <const float *>biases.data, old_data,
                                <const float *>pad.data, <const float *>ins.data, to, <void *>values.data, run)
    check_memory(status)
    return values


cdef cnp.ndarray old_array(old, cnp.ndarray result, dtype):
    cdef cnp.ndarray before = array_of(old, dtype, 4, "old")
    if (<object>before).shape != (<object>result).shape:
        raise ValueError(f"old: {old.shape}; {(<object>result).shape} would be right")
    return before


def conv_int8(x, w, *, stride=(1, 1), dilation=(1, 1), insert=(0, 0), pads=NO_PADS, pad_value=0, insert_value=0,
              int pad_mode=0, kernel_zero_point=0, bint rotate=False, old=None, result=np.int32, is_signed=None, out=None):
    """Integer x [n, ic, h, w] (int8, uint8; int16 where no product pair can overflow), w [oc, ic, kh, kw] or PackedWeights (with their zero
    point, already rotated) -> [n, oc, oh, ow] of the type `result`.

    The sum of x * (w - kernel_zero_point) wraps in 32 bits. It is signed or not as `is_signed` says (default: as one of the operands is).
    int32, uint32: the sum, plus `old` where given, modulo 2^32; 8 and 16 bits: saturated to the range that `is_signed` says.
    """
    weights = w if isinstance(w, PackedWeights) else pack_int8(w, kernel_zero_point, rotate)
    is_signed = is_signed_product(x, weights) if is_signed is None else is_signed
    return integer_convolution(x, weights, stride, dilation, insert, pads, pad_value, insert_value, pad_mode, old, result, out,
                               is_signed, False, None, 0, False)


def conv_int8_requantized(x, w, bias=None, *, stride=(1, 1), dilation=(1, 1), insert=(0, 0), pads=NO_PADS, int pad_mode=0,
                          bint rotate=False, int64_t shift=0, bint relu=False, old=None, result=np.int8, is_signed=None, out=None):
    """The convolution with its fused requantize (wrq, wrqrelu): (sum + bias) shifted right by `shift`, half up, saturated to `result`.

    x, w, shapes as in conv_int8; pads and inserted values are 0; bias: 16-bit integers [oc]. relu: the unsigned range.
    """
    weights = w if isinstance(w, PackedWeights) else pack_int8(w, 0, rotate)
    is_signed = is_signed_product(x, weights) if is_signed is None else is_signed
    return integer_convolution(x, weights, stride, dilation, insert, pads, 0, 0, pad_mode, old, result, out,
                               is_signed, True, bias, shift, relu)


cdef integer_convolution(x, weights, stride, dilation, insert, pads, pad_value, insert_value, int pad_mode, old, result, out,
                         bint is_signed, bint requantize, bias, int64_t shift, bint relu):
    if x.dtype not in KINDS or x.ndim != 4:
        raise ValueError(f"input: {x.dtype} {x.shape}; int8, uint8 or int16 [n, ic, h, w] would be right")
    if np.dtype(result).kind not in "iu" or np.dtype(result).itemsize > 4:
        raise ValueError(f"result: {np.dtype(result)}; an integer type of 8, 16 or 32 bits would be right")
    check_channels(x, weights.shape)
    cdef window win
    fill_window(&win, x.shape, weights.shape[2:], stride, dilation, insert, pads, pad_mode)
    cdef int64_t oc = weights.shape[0]
    cdef cnp.ndarray data = np.ascontiguousarray(x), packed = array_of(weights.data, np.int32, 1, "packed weights")
    cdef cnp.ndarray values = result_array(out, (win.n, oc, win.out_h, win.out_w), result)
    cdef cnp.ndarray pad = per_channel(pad_value, win.c, np.int16, "pad_value")
    cdef cnp.ndarray ins = per_channel(insert_value, win.c, np.int16, "insert_value")
    cdef cnp.ndarray biases = None if bias is None else per_channel(bias, oc, np.int32, "bias")
    cdef cnp.ndarray before = None if old is None else old_array(old.view(np.int32), values, np.int32)
    cdef gemm_finish finish
    finish.is_signed, finish.bits, finish.requantize, finish.relu = is_signed, 8 * values.itemsize, requantize, relu
    finish.shift = shift
    finish.row_bias = NULL if bias is None else <const int32_t *>biases.data
    finish.old = NULL if old is None else <const int32_t *>before.data
    finish.result = <void *>values.data
    cdef integer_kind kind = KINDS[x.dtype]
    cdef run_options run = run_options(threads, use_avx2)
    cdef int status
    with nogil:
        status = conv_int_c(&win, <const void *>data.data, kind, <const int32_t *>packed.data, oc, <const int16_t *>pad.data,
                            <const int16_t *>ins.data, &finish, run)
    check_memory(status)
    return values


KINDS = {np.dtype(np.int8): FROM_I8, np.dtype(np.uint8): FROM_U8, np.dtype(np.int16): FROM_I16}
