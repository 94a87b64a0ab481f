# cython: language_level=3, boundscheck=False, wraparound=False
"""Matrix multiply as the chip computes it: MM (a row over many lanes) and MM2 (a row per lane), on contiguous matrices."""
import numpy as np

cimport numpy as cnp
from libc.stdint cimport int64_t

from tpuc_kernels.dispatch cimport threads, use_avx2
from tpuc_kernels.operands cimport array_of, check_memory, per_channel, result_array, widened
from tpuc_kernels.windows cimport run_options

from tpuc_kernels import conv

cnp.import_array()

cdef extern from "matmul.h" nogil:
    int matmul_f32_c "matmul_f32"(const float *packed, const float *right, int64_t rows, int64_t depth, int64_t columns,
                                  const float *bias, const float *old, float *result, run_options)
    ctypedef enum float_kind:
        TO_F32, TO_F16, TO_BF16
    int matmul_blocked_c "matmul_blocked"(const float *left, const float *right, int64_t rows, int64_t depth, int64_t columns,
                                          const float *old, float_kind, void *result, run_options)

RESULT_TYPES = {"f16": np.float16, "bf16": np.uint16, "f32": np.float32}


cdef check_matrices(left_shape, right):
    if right.ndim != 2 or len(left_shape) < 2 or left_shape[1] != right.shape[0]:
        raise ValueError(f"matrices {tuple(left_shape)[:2]} and {right.shape}: [m, k] and [k, n] would be right")


def pack_left_f32(left):
    """PackedWeights of a float32 matrix [m, k], to be used in place of `left`."""
    return conv.pack_f32(left.reshape(*left.shape, 1, 1))


def pack_left_int8(left):
    """PackedWeights of an int8, uint8 or int16 matrix [m, k], to be used in place of `left`."""
    return conv.pack_int8(left.reshape(*left.shape, 1, 1))


def mm_f32(left, right, bias=None, old=None, *, out=None):
    """float32 left [m, k] (or pack_left_f32 of it), right [k, n], bias [n], old [m, n] -> float32 [m, n].

    Two accumulators start with bias and old (or 0). The products, in the order of k, go to them in turn: first to that of bias where there
    is an old result, else to the other. The result is the second plus the first.
    """
    weights = left if isinstance(left, conv.PackedWeights) else pack_left_f32(np.asarray(left, np.float32))
    check_matrices(weights.shape, right)
    cdef int64_t rows = weights.shape[0], depth = weights.shape[1], columns = right.shape[1]
    cdef cnp.ndarray packed = weights.data, data = array_of(right, np.float32, 2, "right")
    cdef cnp.ndarray result = result_array(out, (rows, columns), np.float32)
    cdef cnp.ndarray biases = None if bias is None else per_channel(bias, columns, np.float32, "bias")
    cdef cnp.ndarray before = None if old is None else np.ascontiguousarray(old, np.float32)
    if old is not None and (<object>before).shape != (rows, columns):
        raise ValueError(f"old: {old.shape}; {(rows, columns)} would be right")
    cdef const float *bias_data = NULL if bias is None else <const float *>biases.data
    cdef const float *old_data = NULL if old is None else <const float *>before.data
    cdef run_options run = run_options(threads, use_avx2)
    cdef int status
    with nogil:
        status = matmul_f32_c(<const float *>packed.data, <const float *>data.data, rows, depth, columns, bias_data, old_data,
                              <float *>result.data, run)
    check_memory(status)
    return result


cdef wide(matrix):
    """16-bit unsigned elements have no int16 form: the caller computes with 64 bits."""
    return matrix.dtype == np.uint16


def mm_int8(left, right, *, out=None):
    """left [m, k] (or pack_left_int8 of it) times right [k, n], both int8, uint8, int16 or uint16 -> int32 [m, n], modulo 2^32."""
    packed = isinstance(left, conv.PackedWeights)
    check_matrices(left.shape, right)
    if not packed and (wide(left) or wide(right)):
        total = left.astype(np.int64) @ right.astype(np.int64)
        return total.astype(np.uint32).view(np.int32)
    m, k, n = left.shape[0], left.shape[1], right.shape[1]
    weights = left if packed else pack_left_int8(left)
    image = None if out is None else out.reshape(1, m, 1, n)
    return conv.conv_int8(right.reshape(1, k, 1, n), weights, out=image).reshape(m, n)


def mm_int8_requantized(left, right, bias=None, *, int shift=0, bint relu=False, result=np.int8, is_signed=None):
    """(left [m, k] times right [k, n] + bias [n]) shifted right by `shift` (0..31), half up, saturated to `result` (8 or 16 bits).

    The range is the signed one where `is_signed` (default: as one of the operands is) and not relu.
    """
    if not 0 <= shift <= 31:
        raise ValueError(f"shift: {shift}; 0..31 would be right")
    sums = mm_int8(left, right).astype(np.int64)
    if bias is not None:
        sums += np.asarray(bias, np.int64)
    if shift:
        sums = (sums + (1 << (shift - 1))) >> shift
    if is_signed is None:
        is_signed = "i" in (left.dtype.kind, right.dtype.kind)
    bits = 8 * np.dtype(result).itemsize
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if is_signed and not relu else (0, (1 << bits) - 1)
    return np.clip(sums, low, high).astype(f"u{bits // 8}").view(result)


def mm2_int8(left, right, *, left_zero_point=0, right_zero_point=0, old=None):
    """MM2: int8 or uint8 left [m, k] times right [k, n] -> int32 [m, n], plus `old` where given, modulo 2^32.

    right_zero_point (nn, nt) or left_zero_point (tt) is subtracted exactly; it broadcasts against its matrix. For nt and tt pass the transposed
    views.
    """
    left, right = less_zero_point(left, left_zero_point), less_zero_point(right, right_zero_point)
    sums = mm_int8(left, right)
    return sums if old is None else (sums.view(np.uint32) + np.asarray(old).view(np.uint32)).view(np.int32)


cdef less_zero_point(matrix, zero_point):
    if not np.any(zero_point):
        return matrix
    return (matrix.astype(np.int32) - np.asarray(zero_point)).astype(np.int16)


def mm2_f16(left, right, *, old=None, result="f16"):
    """MM2: float16 left [m, k] times right [k, n] -> float16 or float32 (`result`: "f16", "f32") [m, n]; old: float32, for float32 results.

    Blocks of 32 products are added exactly, rounded once and added to a float32 accumulator, which is rounded once in the end.
    """
    return blocked_product("f16", left, right, old, result)


def mm2_bf16(left, right, *, old=None, result="bf16"):
    """As mm2_f16, of bf16: uint16 bit patterns; `result`: "bf16" (uint16), "f32"."""
    return blocked_product("bf16", left, right, old, result)


cdef blocked_product(str kind, left, right, old, str result):
    if result not in (kind, "f32") or (old is not None and result != "f32"):
        raise ValueError(f'result: "{result}"; "{kind}" or "f32", and "f32" with an old result, would be right')
    check_matrices(left.shape, right)
    cdef cnp.ndarray a = widened(left, kind, "left"), b = widened(right, kind, "right")
    cdef int64_t rows = a.shape[0], depth = a.shape[1], columns = b.shape[1]
    cdef cnp.ndarray values = np.empty((rows, columns), RESULT_TYPES[result])
    cdef cnp.ndarray before = None if old is None else np.ascontiguousarray(old, np.float32)
    if old is not None and (<object>before).shape != (rows, columns):
        raise ValueError(f"old: {old.shape}; {(rows, columns)} would be right")
    cdef const float *old_data = NULL if old is None else <const float *>before.data
    cdef float_kind to = TO_F32 if result == "f32" else TO_F16 if kind == "f16" else TO_BF16
    cdef run_options run = run_options(threads, use_avx2)
    cdef int status
    with nogil:
        status = matmul_blocked_c(<const float *>a.data, <const float *>b.data, rows, depth, columns, old_data, to,
                                  <void *>values.data, run)
    check_memory(status)
    return values
