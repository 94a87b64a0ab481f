# cython: language_level=3, boundscheck=False, wraparound=False
"""Look-ups by index (the chip's SG instruction): elements of 1, 2 or 4 bytes are moved as bits.

Indices are uint8 or uint16; int8 counts as its raw byte. An index of all ones is left out where
skips is set: it keeps the element of `out`, or gives `fill`.
"""
import numpy as np

cimport numpy as cnp
from libc.stdint cimport int64_t, uint32_t

from tpuc_kernels.dispatch cimport use_avx2

cnp.import_array()

cdef extern from "gather.h":
    ctypedef struct gather_options:
        int element_bytes, index_bytes
        bint skips, fills
        uint32_t fill
    int64_t gather_row "GATHER_ROW"(bint, void *, const void *, int64_t, const void *, int64_t,
                                    const gather_options *) nogil
    int64_t scatter_row "SCATTER_ROW"(bint, void *, int64_t, const void *, const void *, int64_t,
                                      const gather_options *) nogil


cdef int set_options(gather_options *o, cnp.ndarray values, cnp.ndarray index, bint skips, fill) except -1:
    o.element_bytes, o.index_bytes = cnp.PyArray_ITEMSIZE(values), cnp.PyArray_ITEMSIZE(index)
    if o.element_bytes not in (1, 2, 4) or o.index_bytes not in (1, 2, 4):
        raise ValueError(f"elements of {o.element_bytes} and indices of {o.index_bytes} bytes: "
                         "1, 2 or 4 would be right")
    o.skips, o.fills = skips, fill is not None
    o.fill = (fill or 0) & 0xFFFFFFFF
    return 0


cdef cnp.ndarray contiguous(x):
    return x if isinstance(x, np.ndarray) and cnp.PyArray_IS_C_CONTIGUOUS(x) else np.ascontiguousarray(x)


def table(index, values, *, bint skips=False, fill=None, out=None):
    """values[index]: one table [k] for any index, or tables [c, k] for the channels of an index [n, c, ...].

    The result has the shape of index and the dtype of values. fill: the bits that a skipped index
    gives. An index beyond the table raises IndexError."""
    cdef gather_options o
    cdef bint simd = use_avx2
    cdef cnp.ndarray at = contiguous(index), entries = contiguous(values), r
    cdef int64_t size, outer = 1, channels = 1, inner, beyond = 0, i, row
    cdef int rank = cnp.PyArray_NDIM(entries)
    set_options(&o, entries, at, skips, fill)
    if rank == 2:
        if cnp.PyArray_NDIM(at) < 2 or cnp.PyArray_DIM(at, 1) != cnp.PyArray_DIM(entries, 0):
            raise ValueError(f"tables {np.shape(entries)} for indices {np.shape(at)}: "
                             "one table a channel would be right")
        outer, channels = cnp.PyArray_DIM(at, 0), cnp.PyArray_DIM(at, 1)
    elif rank != 1:
        raise ValueError(f"tables {np.shape(entries)}: [k] or [c, k] would be right")
    if out is None:
        r = (np.zeros if skips else np.empty)(np.shape(at), entries.dtype)
    else:
        r = out
        if np.shape(r) != np.shape(at) or r.dtype != entries.dtype or not cnp.PyArray_IS_C_CONTIGUOUS(r):
            raise ValueError("out: a C-contiguous array of the indices' shape and the tables' dtype is wanted")
    size, row = cnp.PyArray_DIM(entries, rank - 1), 0
    if cnp.PyArray_SIZE(at) == 0:
        return r
    inner = cnp.PyArray_SIZE(at) // (outer * channels)
    with nogil:
        for i in range(outer * channels):
            row = i % channels
            beyond += gather_row(simd, <char *>cnp.PyArray_DATA(r) + i * inner * o.element_bytes,
                                 <char *>cnp.PyArray_DATA(entries) + row * size * o.element_bytes, size,
                                 <char *>cnp.PyArray_DATA(at) + i * inner * o.index_bytes, inner, &o)
    if beyond:
        raise IndexError(f"{beyond} indices lie beyond a table of {size} entries")
    return r


def scatter(cnp.ndarray old not None, values, index, *, bint skips=False):
    """A copy of old [n, c, w] with old[n, c, index[n, c, i]] = values[c, i], in order of i."""
    cdef gather_options o
    cdef bint simd = use_avx2
    cdef cnp.ndarray r = np.array(old, order="C"), entries = contiguous(values), at = contiguous(index)
    cdef int64_t count, width, beyond = 0, i, channels
    set_options(&o, entries, at, skips, None)
    if (cnp.PyArray_NDIM(r) != 3 or cnp.PyArray_NDIM(at) != 3 or np.shape(entries) != np.shape(at)[1:]
            or np.shape(at)[:2] != np.shape(r)[:2] or r.dtype != entries.dtype):
        raise ValueError(f"old {np.shape(old)}, values {np.shape(values)}, index {np.shape(index)}: "
                         "[n, c, w], [c, k], [n, c, k] would be right")
    channels, count, width = cnp.PyArray_DIM(r, 1), cnp.PyArray_DIM(at, 2), cnp.PyArray_DIM(r, 2)
    with nogil:
        for i in range(cnp.PyArray_DIM(r, 0) * channels):
            beyond += scatter_row(simd, <char *>cnp.PyArray_DATA(r) + i * width * o.element_bytes, width,
                                  <char *>cnp.PyArray_DATA(entries) + (i % channels) * count * o.element_bytes,
                                  <char *>cnp.PyArray_DATA(at) + i * count * o.index_bytes, count, &o)
    if beyond:
        raise IndexError(f"{beyond} indices lie beyond a result of {width} elements")
    return r
