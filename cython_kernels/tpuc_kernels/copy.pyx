# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Copies of elements between flat byte buffers and local memory, in the order of the chip's DMA engine."""
cimport numpy as cnp
from libc.string cimport memcpy, memmove, memset

from tpuc_kernels.dispatch cimport use_avx2

cnp.import_array()

cdef extern from "copy.h" nogil:
    void copy_elements "COPY_ELEMENTS"(bint, const tensor_place *, const tensor_place *, int)

ALL_LANES = (1 << 64) - 1


cdef class Place:
    """A strided 4-d tensor in a buffer of bytes, checked once, to be copied from and to many times.

    buffer: uint8 [bytes] (flat) or uint8 [64, 262144] (local memory, C-contiguous).
    offset: bytes from the start of the flat buffer; in local memory lane * 262144 + offset in the lane.
    shape (n, c, h, w); strides in elements, not negative.
    lane_axis: the axis whose index counts lanes (its stride then goes from slot to slot); None makes it 1 for local
    memory; -1 takes local memory as flat.
    """

    def __init__(self, cnp.ndarray buffer, offset, shape, strides, int element_bytes, lane_axis=None):
        cdef int64_t bytes_ = cnp.PyArray_NBYTES(buffer), last, at
        cdef int k, axis
        cdef bint is_local = cnp.PyArray_NDIM(buffer) == 2
        if element_bytes not in (1, 2, 4, 8):
            raise ValueError(f"element of {element_bytes} bytes; 1, 2, 4 or 8 would be right")
        if not cnp.PyArray_IS_C_CONTIGUOUS(buffer) or cnp.PyArray_ITEMSIZE(buffer) != 1:
            raise ValueError("buffer: a C-contiguous array of bytes is wanted")
        axis = (1 if is_local else -1) if lane_axis is None else lane_axis
        if axis >= 0 and bytes_ != LANES * LANE_BYTES:
            raise ValueError("buffer: lanes are counted in local memory [64, 262144] only")
        at = offset
        self.buffer, self.element_bytes = buffer, element_bytes
        self.elements = 1
        last = 0
        for k in range(4):
            self.c.shape[k], self.c.step[k] = shape[k], strides[k] * element_bytes
            if self.c.shape[k] < 0 or self.c.step[k] < 0:
                raise ValueError(f"shape {tuple(shape)}, strides {tuple(strides)}: no negative number is allowed")
            self.elements *= self.c.shape[k]
            if k != axis:
                last += (self.c.shape[k] - 1) * self.c.step[k]
        self.c.lane_axis, self.c.first_lane, self.c.lane_mask = axis, 0, <uint64_t>-1
        if axis >= 0:
            self.c.first_lane = at // LANE_BYTES
            at = at % LANE_BYTES
            last += (self.c.first_lane + self.c.shape[axis] - 1) // LANES * self.c.step[axis]
            bytes_ = LANE_BYTES
        if at < 0 or (self.elements and at + last + element_bytes > bytes_) or not 0 <= self.c.first_lane < LANES:
            raise ValueError(f"tensor {tuple(shape)} at byte {offset}, strides {tuple(strides)}, leaves its memory")
        self.c.base = <uint8_t *>cnp.PyArray_DATA(buffer) + at


def tensor(Place source not None, Place destination not None, lane_mask=ALL_LANES):
    """Element k of source, in n, c, h, w order, becomes element k of destination; an element written early is seen by
    a later read. Shapes may differ if the number of elements is equal. Lanes outside lane_mask are not written."""
    cdef tensor_place to = destination.c
    cdef bint simd = use_avx2
    if source.elements != destination.elements or source.element_bytes != destination.element_bytes:
        raise ValueError(f"{source.elements} elements of {source.element_bytes} bytes cannot become "
                         f"{destination.elements} of {destination.element_bytes}")
    to.lane_mask = lane_mask
    with nogil:
        copy_elements(simd, &source.c, &to, source.element_bytes)


def fill(Place destination not None, value, lane_mask=ALL_LANES):
    """Set all elements to the low bytes of the integer `value`."""
    cdef uint64_t element = <uint64_t>(value & 0xFFFFFFFFFFFFFFFF)
    cdef tensor_place from_ = destination.c, to = destination.c
    cdef bint simd = use_avx2
    cdef int k
    from_.base = <uint8_t *>&element
    from_.lane_axis = -1
    for k in range(4):
        from_.step[k] = 0
    to.lane_mask = lane_mask
    with nogil:
        copy_elements(simd, &from_, &to, destination.element_bytes)


cdef uint8_t *span(cnp.ndarray buffer, int64_t offset, int64_t bytes_) except NULL:
    if not cnp.PyArray_IS_C_CONTIGUOUS(buffer) or offset < 0 or offset + bytes_ > cnp.PyArray_NBYTES(buffer):
        raise ValueError(f"{bytes_} bytes at {offset} leave a memory of {cnp.PyArray_NBYTES(buffer)} bytes")
    return <uint8_t *>cnp.PyArray_DATA(buffer) + offset


def linear(cnp.ndarray source not None, int64_t source_offset, cnp.ndarray destination not None,
           int64_t destination_offset, int64_t elements, int element_bytes, lane_mask=ALL_LANES):
    """A linear move between C-contiguous buffers of bytes; local memory [64, 262144] is one range over the lanes.

    Everything is read before the first byte is written, but for local memory with a lane_mask that leaves lanes out:
    there it goes element by element, forwards, and an element is written if its first byte lies in a lane of the mask.
    """
    cdef int64_t bytes_ = elements * element_bytes, i
    cdef uint8_t *from_ = span(source, source_offset, bytes_)
    cdef uint8_t *to = span(destination, destination_offset, bytes_)
    cdef uint64_t mask = lane_mask
    if mask == <uint64_t>-1 or cnp.PyArray_NDIM(destination) != 2:
        memmove(to, from_, bytes_)
        return
    for i in range(0, bytes_, element_bytes):
        if mask >> ((destination_offset + i) // LANE_BYTES) & 1:
            memcpy(to + i, from_ + i, element_bytes)


def linear_fill(cnp.ndarray destination not None, int64_t offset, int64_t elements, int element_bytes, value,
                lane_mask=ALL_LANES):
    """Set consecutive elements to the low bytes of the integer `value`; lanes as in `linear`."""
    cdef int64_t bytes_ = elements * element_bytes, i
    cdef uint8_t *to = span(destination, offset, bytes_)
    cdef uint64_t mask = lane_mask if cnp.PyArray_NDIM(destination) == 2 else ALL_LANES
    cdef uint64_t element = <uint64_t>(value & 0xFFFFFFFFFFFFFFFF)
    if mask == <uint64_t>-1 and element_bytes == 1:
        memset(to, element & 255, bytes_)
        return
    for i in range(0, bytes_, element_bytes):
        if mask == <uint64_t>-1 or mask >> ((offset + i) // LANE_BYTES) & 1:
            memcpy(to + i, &element, element_bytes)
