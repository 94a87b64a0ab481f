# cython: language_level=3, boundscheck=False, wraparound=False
"""Element-wise arithmetic of the chip (its AR instruction) on arrays of up to six dimensions and any strides.

Operands broadcast as in numpy, without copies. A uint16 array counts as bf16 bit patterns where bf16=True. out: an
array to write, an operand itself or one that shares no memory with an operand. Wrong combinations of kinds raise
ValueError.

Rounding modes: 0 half to even, 1 half away from zero, 2 to zero, 3 down, 4 up, 5 half up, 6 half down.
"""
import numpy as np

cimport numpy as cnp

from tpuc_kernels.dispatch cimport use_avx2
from tpuc_kernels.elements cimport *

from tpuc_kernels.elements import NAMES

cnp.import_array()

cdef extern from "elementwise.h":
    enum: WRONG_KINDS
    enum binary_operation:
        OP_MUL, OP_ADD, OP_SUB, OP_FSUBABS, OP_DIV, OP_AND, OP_OR, OP_XOR
        OP_ADD_SATURATED, OP_SUB_SATURATED, OP_MUL_SATURATED
        OP_SHIFT_LOGIC, OP_SHIFT_ARITH, OP_ROTATE, OP_MUL_HIGH, OP_MAC
    enum unary_operation:
        OP_ABS, OP_NOT, OP_COPY, OP_FIRST_ONE, OP_FIRST_ZERO
    enum condition:
        IF_GREATER, IF_EQUAL, IF_LESS, IF_GREATER_EQUAL
    ctypedef struct element_options:
        int operation, rounding, left_shift, right_shift
    int binary_run "BINARY_RUN"(bint, grid *, const element_options *) nogil
    int unary_run "UNARY_RUN"(bint, grid *, const element_options *) nogil
    int select_run "SELECT_RUN"(bint, grid *, int, bint) nogil
    int cast_run "CAST_RUN"(bint, grid *, int) nogil

cdef enum:
    SELECTS = 100 # operations from here on compare and choose
    TAKES_FIRST = 110

cdef dict BINARY = {
    "mul": OP_MUL, "add": OP_ADD, "sub": OP_SUB, "fsubabs": OP_FSUBABS, "div": OP_DIV,
    "and": OP_AND, "or": OP_OR, "xor": OP_XOR,
    "adds": OP_ADD_SATURATED, "subs": OP_SUB_SATURATED, "muls": OP_MUL_SATURATED, "shift_logic": OP_SHIFT_LOGIC,
    "shift_arith": OP_SHIFT_ARITH, "rotate": OP_ROTATE, "mul_high": OP_MUL_HIGH,
    "select_gt": SELECTS + IF_GREATER, "select_eq": SELECTS + IF_EQUAL, "select_lt": SELECTS + IF_LESS,
    "max": TAKES_FIRST + IF_GREATER, "min": TAKES_FIRST + IF_GREATER_EQUAL,
}
cdef dict UNARY = {"abs": OP_ABS, "not": OP_NOT, "copy": OP_COPY, "first_one": OP_FIRST_ONE,
                   "first_zero": OP_FIRST_ZERO}
cdef cnp.ndarray ZERO = np.zeros((), np.uint32)


cdef int number_of(dict operations, name) except -1:
    number = operations.get(name)
    if number is None:
        raise ValueError(f'operation "{name}": one of {", ".join(operations)} would be right')
    return number


cdef wrong_kinds(name, kinds):
    return ValueError(f"{name} is not defined for kinds {', '.join(kinds)}")


cdef int check_rounding(int rounding) except -1:
    if not 0 <= rounding <= 6:
        raise ValueError(f"rounding mode {rounding}: 0 to 6 would be right")
    return 0


def binary(name, a, b, dtype=None, *, shift=None, int rounding=0, value=0, bf16=False, out=None):
    """a [name] b, of kind dtype (a's where None).

    mul, add, sub: floats of one kind, or integers, exact and then wrapped to dtype. max, min: one kind.
    and, or, xor: integers of one width.
    adds, subs, muls: exact, then times 2**shift (int8, a number or [c]; to the right with rounding), then saturated.
    shift_logic, shift_arith: a by b bits (low byte of b, signed; to the right with rounding); rotate.
    mul_high: 2ab / 2**(bits of a), saturated.
    select_gt, select_eq, select_lt: value (a number or [c] of kind dtype) where the comparison holds, else 0.
    div: f32 by rounding + 1 iterations (mod 4); fsubabs: |a - b|, floats.
    """
    cdef grid g
    cdef element_options o
    cdef bint simd = use_avx2
    cdef int operation = number_of(BINARY, name), status, kind_a, kind_b, kind, t
    cdef cnp.ndarray x, y, r, chosen, shifts
    if not isinstance(a, np.ndarray):
        y = b if isinstance(b, np.ndarray) else np.asarray(b)
        x = as_array(a, kind_of(y, bf16))
    else:
        x = a
        y = as_array(b, kind_of(x, bf16))
    kind_a, kind_b = kind_of(x, bf16), kind_of(y, bf16)
    kind = kind_a if dtype is None else kind_named(dtype, bf16)
    check_rounding(rounding)
    r = result_array(&g, out, kind, x, y)
    add_operand(&g, x, kind_a)
    add_operand(&g, y, kind_b)
    if operation >= TAKES_FIRST:
        if kind_a != kind_b or kind != kind_a:
            raise wrong_kinds(name, [NAMES[kind_a], NAMES[kind_b], NAMES[kind]])
        for t in range(2):
            # max is a > b ? a : b, min is a >= b ? b : a
            add_operand(&g, x if (operation == TAKES_FIRST + IF_GREATER) == (t == 0) else y, kind)
        with nogil:
            status = select_run(simd, &g, operation - TAKES_FIRST, True)
    elif operation >= SELECTS:
        chosen = as_array(value, kind)
        if cnp.PyArray_ITEMSIZE(chosen) != kind_bytes(kind):
            raise ValueError(f"value of dtype {chosen.dtype} for a result of kind {NAMES[kind]}")
        add_parameter(&g, chosen, kind)
        add_operand(&g, ZERO, KIND_U32)
        with nogil:
            status = select_run(simd, &g, operation - SELECTS, False)
    else:
        o.operation, o.rounding = operation, rounding
        if shift is not None:
            shifts = shift if isinstance(shift, np.ndarray) and shift.dtype == np.int8 else np.asarray(shift, np.int8)
            if operation not in (OP_ADD_SATURATED, OP_SUB_SATURATED, OP_MUL_SATURATED):
                raise ValueError(f"{name} takes no shift")
            add_parameter(&g, shifts, KIND_I8)
        with nogil:
            status = binary_run(simd, &g, &o)
    if status == WRONG_KINDS:
        raise wrong_kinds(name, [NAMES[kind_a], NAMES[kind_b], NAMES[kind]])
    return r


def mac(cnp.ndarray old not None, cnp.ndarray a not None, b, int left_shift=0, int right_shift=0, int rounding=0,
        out=None):
    """((old << left_shift) + a * b) / 2**right_shift, saturated to old's kind (i16, u16); a, b of 8 bits."""
    cdef grid g
    cdef element_options o
    cdef bint simd = use_avx2
    cdef int kind = kind_of(old, False), kind_a = kind_of(a, False), kind_b
    cdef cnp.ndarray y = as_array(b, kind_a), r
    kind_b = kind_of(y, False)
    check_rounding(rounding)
    if kind not in (KIND_I16, KIND_U16) or kind_bytes(kind_a) != 1 or kind_bytes(kind_b) != 1:
        raise wrong_kinds("mac", [NAMES[kind], NAMES[kind_a], NAMES[kind_b]])
    if not (0 <= left_shift < 32 and 0 <= right_shift < 32):
        raise ValueError(f"shifts {left_shift}, {right_shift}: 0 to 31 would be right")
    o.operation, o.rounding, o.left_shift, o.right_shift = OP_MAC, rounding, left_shift, right_shift
    r = result_array(&g, out, kind, a, y)
    add_operand(&g, a, kind_a)
    add_operand(&g, y, kind_b)
    add_operand(&g, old, kind)
    with nogil:
        binary_run(simd, &g, &o)
    return r


def unary(name, cnp.ndarray a not None, dtype=None, *, bf16=False, out=None):
    """abs, not, copy of one kind; first_one, first_zero: the leading bits before the first 1 (0), as kind dtype."""
    cdef grid g
    cdef element_options o
    cdef bint simd = use_avx2
    cdef int kind_a = kind_of(a, bf16), kind = kind_a if dtype is None else kind_named(dtype, bf16), status
    cdef cnp.ndarray r = result_array(&g, out, kind, a, None)
    o.operation = number_of(UNARY, name)
    if kind_is_float(kind) != kind_is_float(kind_a) or kind_bytes(kind) > kind_bytes(kind_a):
        raise wrong_kinds(name, [NAMES[kind_a], NAMES[kind]])
    add_operand(&g, a, kind_a)
    with nogil:
        status = unary_run(simd, &g, &o)
    if status == WRONG_KINDS:
        raise wrong_kinds(name, [NAMES[kind_a], NAMES[kind]])
    return r


def cast(cnp.ndarray x not None, dtype, int rounding=0, *, bf16=False, out=None):
    """x as kind dtype: rounded, integers saturated, NaN to integer 0. A float kind to itself rounds to integral values.

    bf16: x holds bf16 bit patterns (a result of bf16 is named "bf16"). f16 from and to bf16, and modes 5, 6 from float
    to integer, do not exist."""
    cdef grid g
    cdef bint simd = use_avx2
    cdef int kind_x = kind_of(x, bf16), kind = kind_named(dtype, False), status
    cdef cnp.ndarray r = result_array(&g, out, kind, x, None)
    add_operand(&g, x, kind_x)
    with nogil:
        status = cast_run(simd, &g, rounding)
    if status == WRONG_KINDS:
        raise wrong_kinds(f"cast with rounding {rounding}", [NAMES[kind_x], NAMES[kind]])
    return r
