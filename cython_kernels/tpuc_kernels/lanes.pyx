# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Tensors in local memory: uint8 [64 lanes, 262144 bytes].

Channel c lies in lane (start lane + c) % 64, slot (start lane + c) // 64. Strides are (n, c, h, w) in
elements; the c stride goes from slot to slot. A layout is such a tuple, or the name of one:
"aligned" (slots start at multiples of 64 bytes), "line" (rows do, too), "compact" (nothing is padded) or "channel"
(one element per channel, packed, for all n, h, w).
"""
import numpy as np

cimport numpy as cnp
from libc.stdint cimport int64_t, uint8_t, uint64_t

from tpuc_kernels.copy cimport LANE_BYTES, LANES, tensor_place
from tpuc_kernels.dispatch cimport use_avx2

cnp.import_array()

cdef extern from "copy.h" nogil:
    void copy_elements "COPY_ELEMENTS"(bint, const tensor_place *, const tensor_place *, int)

ALL_LANES = (1 << 64) - 1
ADDRESS_MASK = 0xFFFFFF
cdef enum:
    LANE_ALIGNMENT = 64


cdef inline int64_t align_up(int64_t value, int64_t unit) noexcept:
    return (value + unit - 1) // unit * unit


cdef int fill_strides(int64_t *strides, layout, int element_bytes, int64_t lane, int64_t c, int64_t h,
                      int64_t w) except -1:
    cdef int64_t unit = LANE_ALIGNMENT // element_bytes, slots = (lane + c + LANES - 1) // LANES
    strides[2], strides[3] = w, 1
    if layout == "aligned":
        strides[1] = align_up(h * w, unit)
    elif layout == "compact":
        strides[1] = h * w
    elif layout == "line":
        strides[2] = align_up(w, unit)
        strides[1] = h * strides[2]
    elif layout == "channel":
        strides[0] = strides[2] = strides[3] = 0
        strides[1] = 1
        return 0
    elif isinstance(layout, str):
        raise ValueError(f'layout "{layout}": aligned, compact, line, channel or four strides would be right')
    else:
        strides[0], strides[1], strides[2], strides[3] = layout
        return 0
    strides[0] = slots * strides[1]
    return 0


def strides_of(layout, shape, int element_bytes, int lane=0):
    """(n, c, h, w) strides in elements of a named layout for a tensor of that shape that starts in that lane."""
    cdef int64_t s[4]
    fill_strides(s, layout, element_bytes, lane, shape[1], shape[2], shape[3])
    return s[0], s[1], s[2], s[3]


def aligned_strides(shape, int element_bytes, int lane=0):
    """Strides of the layout whose slots start at multiples of 64 bytes."""
    return strides_of("aligned", shape, element_bytes, lane)


def compact_strides(shape, int element_bytes, int lane=0):
    """Strides of the layout without padding."""
    return strides_of("compact", shape, element_bytes, lane)


cdef int fill_place(tensor_place *p, cnp.ndarray lmem, int64_t address, layout, int element_bytes) except -1:
    """p->shape is set. Checks that the tensor stays in its lanes."""
    cdef int64_t last
    cdef int64_t strides[4]
    cdef int k
    if cnp.PyArray_NBYTES(lmem) != LANES * LANE_BYTES or not cnp.PyArray_IS_C_CONTIGUOUS(lmem):
        raise ValueError("local memory: a C-contiguous uint8 [64, 262144] is wanted")
    address &= 0xFFFFFF
    p.first_lane = address // LANE_BYTES
    address %= LANE_BYTES
    fill_strides(strides, layout, element_bytes, p.first_lane, p.shape[1], p.shape[2], p.shape[3])
    for k in range(4):
        if strides[k] < 0:
            raise ValueError(f"strides {layout}: no negative number is allowed")
        p.step[k] = strides[k] * element_bytes
    last = (p.shape[0] - 1) * p.step[0] + (p.shape[2] - 1) * p.step[2] + (p.shape[3] - 1) * p.step[3]
    last += (p.first_lane + p.shape[1] - 1) // LANES * p.step[1]
    if address + last + element_bytes > LANE_BYTES and p.shape[0] * p.shape[1] * p.shape[2] * p.shape[3] > 0:
        raise ValueError(f"a tensor at byte {address} of its lanes ends at byte {address + last + element_bytes} "
                         f"of {LANE_BYTES}")
    p.base = <uint8_t *>cnp.PyArray_DATA(lmem) + address
    p.lane_axis = 1
    return 0


def load(cnp.ndarray lmem not None, int64_t address, shape, layout, dtype, cnp.ndarray out=None):
    """The tensor [n, c, h, w] at a local address (low 24 bits: lane * 262144 + offset) as a C-contiguous array."""
    cdef tensor_place source, target
    cdef bint simd = use_avx2
    cdef cnp.dtype kind = dtype if isinstance(dtype, np.dtype) else np.dtype(dtype)
    cdef cnp.npy_intp dims[4]
    cdef int k, element_bytes = kind.itemsize
    dims[0], dims[1], dims[2], dims[3] = shape
    for k in range(4):
        source.shape[k] = target.shape[k] = dims[k]
    fill_place(&source, lmem, address, layout, element_bytes)
    if out is None:
        out = np.empty(shape, kind)
    elif not cnp.PyArray_IS_C_CONTIGUOUS(out) or out.dtype != kind or out.size != dims[0] * dims[1] * dims[2] * dims[3]:
        raise ValueError("out: a C-contiguous array of the shape and dtype is wanted")
    flat_place(&target, out, element_bytes)
    with nogil:
        copy_elements(simd, &source, &target, element_bytes)
    return out


cdef void flat_place(tensor_place *p, cnp.ndarray array, int element_bytes) noexcept:
    """p->shape is set; the array is C-contiguous."""
    p.step[3] = element_bytes
    p.step[2] = p.step[3] * p.shape[3]
    p.step[1] = p.step[2] * p.shape[2]
    p.step[0] = p.step[1] * p.shape[1]
    p.base = <uint8_t *>cnp.PyArray_DATA(array)
    p.lane_axis = -1
    p.first_lane = 0


def store(cnp.ndarray lmem not None, int64_t address, cnp.ndarray array not None, layout="aligned", mask=ALL_LANES):
    """Write an array [n, c, h, w] (of any strides, also 0 as np.broadcast_to makes them) as the tensor at a local
    address; lanes whose bit in mask is 0 keep their content. With a stride of 0 the last element in order stays."""
    cdef tensor_place source, target
    cdef bint simd = use_avx2
    cdef int k, element_bytes = cnp.PyArray_ITEMSIZE(array)
    if cnp.PyArray_NDIM(array) != 4:
        raise ValueError(f"array of {cnp.PyArray_NDIM(array)} dimensions; n, c, h, w would be right")
    for k in range(4):
        source.shape[k] = target.shape[k] = cnp.PyArray_DIM(array, k)
        source.step[k] = cnp.PyArray_STRIDE(array, k)
    source.base = <uint8_t *>cnp.PyArray_DATA(array)
    source.lane_axis = -1
    source.first_lane = 0
    fill_place(&target, lmem, address, layout, element_bytes)
    target.lane_mask = mask
    with nogil:
        copy_elements(simd, &source, &target, element_bytes)


def view(cnp.ndarray lmem not None, int64_t address, shape, layout, dtype):
    """The tensor as a strided view of local memory (no copy); None where a channel lies in a second slot or the address
    is no multiple of the element size."""
    cdef tensor_place p
    cdef int k, element_bytes = np.dtype(dtype).itemsize
    p.shape[0], p.shape[1], p.shape[2], p.shape[3] = shape
    fill_place(&p, lmem, address, layout, element_bytes)
    if p.first_lane + p.shape[1] > LANES or address % element_bytes:
        return None
    steps = p.step[0], LANE_BYTES, p.step[2], p.step[3]
    return np.ndarray(tuple(shape), dtype, lmem, offset=address & ADDRESS_MASK, strides=steps)
