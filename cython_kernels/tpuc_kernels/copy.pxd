from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef extern from "copy.h":
    ctypedef struct tensor_place:
        uint8_t *base
        int64_t shape[4]
        int64_t step[4]
        int lane_axis
        int first_lane
        uint64_t lane_mask

cdef enum:
    LANES = 64
    LANE_BYTES = 262144

cdef class Place:
    cdef tensor_place c
    cdef readonly object buffer
    cdef readonly int element_bytes
    cdef int64_t elements
