# cython: language_level=3, boundscheck=False, wraparound=False
"""Element kinds, and numpy arrays as the grids that the C loops walk over.

A kind is a numpy dtype or its short name: i8 u8 i16 u16 i32 u32 f16 bf16 f32. Arrays of bf16 are uint16 bit patterns
(with the flag bf16=True of a function), or of ml_dtypes' dtype bfloat16.
"""
import numpy as np

cimport numpy as cnp

from tpuc_kernels.dispatch cimport threads

cnp.import_array()

NAMES = ("i8", "u8", "i16", "u16", "i32", "u32", "f16", "bf16", "f32")
STORAGE = (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.float16, np.uint16, np.float32)

cdef extern from *:
    """
    static const int TYPE_NUMBERS[KIND_COUNT] = {NPY_BYTE, NPY_UBYTE, NPY_SHORT, NPY_USHORT, NPY_INT, NPY_UINT,
                                                 NPY_HALF, NPY_USHORT, NPY_FLOAT};
    """
    const int *TYPE_NUMBERS

cdef dict KINDS = {}
for _kind, (_name, _type) in enumerate(zip(NAMES, STORAGE)):
    KINDS[_name] = _kind
    KINDS.setdefault(_type, _kind)
    KINDS.setdefault(np.dtype(_type), _kind)


cdef int kind_named(object dtype, bint bf16) except -1:
    """The kind of a dtype or name; with bf16, uint16 means bf16."""
    kind = KINDS.get(dtype)
    if kind is None:
        kind = KIND_BF16 if getattr(dtype, "name", None) == "bfloat16" else KINDS.get(np.dtype(dtype))
    if kind is None:
        raise ValueError(f"{dtype}: one of {', '.join(NAMES)} would be right")
    return KIND_BF16 if bf16 and kind == KIND_U16 else kind


cdef int kind_of(cnp.ndarray x, bint bf16) except -1:
    cdef int number = cnp.PyArray_TYPE(x), kind
    if not cnp.PyArray_ISBEHAVED_RO(x):
        raise ValueError("an aligned array in the byte order of the machine is wanted")
    if number == cnp.NPY_USHORT:
        return KIND_BF16 if bf16 else KIND_U16
    for kind in range(9):
        if TYPE_NUMBERS[kind] == number:
            return kind
    return kind_named(x.dtype, bf16)


cdef cnp.ndarray as_array(object x, int kind):
    """x itself if it is an array, else a number of that kind as an array of no dimensions."""
    if isinstance(x, np.ndarray):
        return x
    if kind == KIND_BF16 and not isinstance(x, np.generic):
        raise ValueError("a bf16 constant is given as a numpy uint16 bit pattern")
    return np.asarray(x, None if isinstance(x, np.generic) else STORAGE[kind])


cdef cnp.ndarray result_array(grid *g, object out, int kind, cnp.ndarray a, cnp.ndarray b):
    """Tensor 0 of the grid, in the common shape of a and b (which may be None): `out`, or a new array."""
    cdef int k, axes = cnp.PyArray_NDIM(a), rank_a = axes, rank_b = 0
    cdef cnp.npy_intp dims[GRID_AXES]
    cdef cnp.npy_intp length
    cdef cnp.ndarray r
    if b is not None:
        rank_b = cnp.PyArray_NDIM(b)
        axes = max(axes, rank_b)
    if axes > GRID_AXES:
        raise ValueError(f"{axes} dimensions; at most {GRID_AXES} would be right")
    for k in range(axes):
        dims[k] = cnp.PyArray_DIM(a, k - axes + rank_a) if k >= axes - rank_a else 1
        if k >= axes - rank_b:
            length = cnp.PyArray_DIM(b, k - axes + rank_b)
            if length != dims[k] and dims[k] == 1:
                dims[k] = length
            elif length != dims[k] and length != 1:
                raise ValueError(f"shapes {np.shape(a)} and {np.shape(b)} do not match")
    if out is None:
        r = cnp.PyArray_EMPTY(axes, dims, TYPE_NUMBERS[kind], 0)
    else:
        r = out
        if cnp.PyArray_NDIM(r) != axes or cnp.PyArray_ITEMSIZE(r) != kind_bytes(kind) or not cnp.PyArray_ISBEHAVED(r):
            raise ValueError(f"out: an array of kind {NAMES[kind]} in the shape of the result is wanted")
        for k in range(axes):
            if cnp.PyArray_DIM(r, k) != dims[k]:
                raise ValueError(f"out: shape {np.shape(r)} is not that of the result")
    g.axes, g.tensors, g.threads = axes, 1, threads
    g.data[0], g.kind[0] = <char *>cnp.PyArray_DATA(r), kind
    for k in range(axes):
        g.shape[k], g.step[0][k] = dims[k], cnp.PyArray_STRIDE(r, k)
    return r


cdef int add_operand(grid *g, cnp.ndarray x, int kind) except -1:
    """The next tensor of the grid, broadcast as numpy does it."""
    cdef int k, rank = cnp.PyArray_NDIM(x), skip = g.axes - rank, t = g.tensors
    if skip < 0:
        raise ValueError(f"operand of shape {np.shape(x)}: too many dimensions")
    for k in range(g.axes):
        g.step[t][k] = 0
        if k >= skip and cnp.PyArray_DIM(x, k - skip) != 1:
            if cnp.PyArray_DIM(x, k - skip) != g.shape[k]:
                raise ValueError(f"operand of shape {np.shape(x)} does not match the result")
            g.step[t][k] = cnp.PyArray_STRIDE(x, k - skip)
    g.data[t], g.kind[t] = <char *>cnp.PyArray_DATA(x), kind
    g.tensors = t + 1
    return 0


cdef int add_parameter(grid *g, object values, int kind) except -1:
    """The next tensor: one number, [c] for axis 1 of the result, or an array that broadcasts; keep it alive."""
    cdef cnp.ndarray x = values
    cdef int t = g.tensors, k
    if cnp.PyArray_NDIM(x) != 1 or g.axes < 3 or cnp.PyArray_DIM(x, 0) == 1:
        return add_operand(g, x, kind)
    if cnp.PyArray_DIM(x, 0) != g.shape[1]:
        raise ValueError(f"{cnp.PyArray_DIM(x, 0)} values for {g.shape[1]} channels")
    for k in range(g.axes):
        g.step[t][k] = cnp.PyArray_STRIDE(x, 0) if k == 1 else 0
    g.data[t], g.kind[t] = <char *>cnp.PyArray_DATA(x), kind
    g.tensors = t + 1
    return 0
