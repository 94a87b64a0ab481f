"""MM, MM2 and their short forms: matrix multiply with a row over many lanes, or a row per lane."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tpuc_kernels import matmul

from tpuc_bm1684x.isa.kinds import ElementType
from tpuc_bm1684x.isa.memory_map import LANES
from tpuc_bm1684x.simulator.execute.binding import Context, Step, executes
from tpuc_bm1684x.simulator.execute.operands import (
    Load,
    LocalTensor,
    aligned_tensor,
    compact_tensor,
    constant,
    constant_array,
    dtype_of,
    element_type,
)
from tpuc_core.errors import TpucError

NORMAL, REQUANTIZE, REQUANTIZE_RELU = 1, 2, 3
NN, NT, TT = 4, 5, 6
F32, I32 = np.dtype(np.float32), np.dtype(np.int32)


@executes("MM", "sMM")
def bind_matrix_multiply(context: Context) -> Step:
    """left [m, k] times right [k, n]; a row of each lies over the lanes in pieces."""
    kind = element_type(context, context["opd0_prec"])
    if context.operation == NORMAL and kind == ElementType.F32 and context["res0_prec"] == ElementType.F32:
        return _bind_f32(context)
    if (
        context.operation == NORMAL
        and kind in (ElementType.I8, ElementType.I16)
        and context["res0_prec"] == ElementType.I32
    ):
        if context["res_add"]:
            raise context.not_modelled("an integer matrix multiply with res_add")
        left, right = (
            _left(context, dtype_of(context, "opd0")),
            _right(context, dtype_of(context, "opd0", context["opd1_sign"])),
        )
        result = _result(context, I32)
        return lambda: result(matmul.mm_int8(left(), right()))
    if context.operation in (REQUANTIZE, REQUANTIZE_RELU) and kind == ElementType.I8 and context["res0_prec"] in (0, 3):
        return _bind_requantized(context)
    raise context.not_modelled(
        f"operation {context.operation} of {kind.name.lower()} with result type {context['res0_prec']}"
    )


def _left(context: Context, dtype: np.dtype) -> Load:
    rows, pieces, width = context["opd0_n"], context["opd0_c"], context["opd0_w"]
    columns = (pieces - 1) * width + context["opd1_w"]
    turn = bool(context["left_tran"])
    if context["opd0_const"]:
        fixed = np.full((columns, rows) if turn else (rows, columns), constant(context["opd0_addr"], dtype), dtype)
        return lambda: fixed
    if not 0 < context["opd1_w"] <= width:
        raise TpucError(f"the last piece of a row has {context['opd1_w']} elements, the others {width}")
    tensor = aligned_tensor(context, "opd0", (rows, pieces, 1, width), dtype)
    if turn:
        return lambda: tensor.load().reshape(rows, -1)[:, :columns].T
    return lambda: tensor.load().reshape(rows, -1)[:, :columns]


def _depth(context: Context) -> int:
    columns = (context["opd0_c"] - 1) * context["opd0_w"] + context["opd1_w"]
    return context["opd0_n"] if context["left_tran"] else columns


def _rows(context: Context) -> int:
    columns = (context["opd0_c"] - 1) * context["opd0_w"] + context["opd1_w"]
    return columns if context["left_tran"] else context["opd0_n"]


def _right(context: Context, dtype: np.dtype) -> Load:
    depth = _depth(context)
    tensor = aligned_tensor(context, "opd1", (depth, context["res0_c"], 1, context["res0_w"]), dtype)
    return lambda: tensor.load().reshape(depth, -1)


def _result(context: Context, dtype: np.dtype) -> Callable[[np.ndarray], None]:
    shape = _rows(context), context["res0_c"], 1, context["res0_w"]
    tensor = aligned_tensor(context, "res0", shape, dtype)
    return lambda array: tensor.store(array.reshape(shape))


def _bias(context: Context, dtype: np.dtype) -> Load:
    count = context["res0_c"] * context["res0_w"]
    if context["opd2_const"]:
        values = np.repeat(constant_array(context["opd2_addr"], dtype).reshape(-1), count)
        return lambda: values
    tensor = aligned_tensor(context, "opd2", (1, context["res0_c"], 1, context["res0_w"]), dtype)
    return lambda: tensor.load().reshape(-1)


def _bind_f32(context: Context) -> Step:
    left, right, bias, result = _left(context, F32), _right(context, F32), _bias(context, F32), _result(context, F32)
    shape = _rows(context), context["res0_c"], 1, context["res0_w"]
    tensor = aligned_tensor(context, "res0", shape, F32)
    old = (lambda: tensor.load().reshape(shape[0], -1)) if context["res_add"] else lambda: None
    return lambda: result(matmul.mm_f32(left(), right(), bias(), old()))


def _bind_requantized(context: Context) -> Step:
    relu, shift = context.operation == REQUANTIZE_RELU, context["opd3_addr"] >> 8 & 255
    if shift > 31:
        raise context.not_modelled(f"a shift by {shift}")
    is_signed = bool(context["opd0_sign"] or context["opd1_sign"] or context["opd2_sign"])
    result_type = dtype_of(context, "res0", is_signed and not relu)
    left, right = (
        _left(context, dtype_of(context, "opd0")),
        _right(context, dtype_of(context, "opd0", context["opd1_sign"])),
    )
    bias, result = (
        _bias(context, np.dtype(np.int16 if context["opd2_sign"] else np.uint16)),
        _result(context, result_type),
    )
    return lambda: result(
        matmul.mm_int8_requantized(
            left(), right(), bias(), shift=shift, relu=relu, result=result_type, is_signed=is_signed
        )
    )


@executes("MM2", "sMM2")
def bind_matrix_multiply2(context: Context) -> Step:
    """Products of matrices whose rows lie in lanes: nn, nt (right transposed), tt (opd1 times opd0, from columns)."""
    if context.operation not in (NN, NT, TT):
        raise context.not_modelled(f"operation {context.operation}")
    kind, result_kind = element_type(context, context["opd0_prec"]), context["res0_prec"]
    is_float = kind in (ElementType.F16, ElementType.BF16) and result_kind in (kind, ElementType.F32)
    if not is_float and (kind != ElementType.I8 or result_kind != ElementType.I32):
        raise context.not_modelled(f"a product of {kind.name.lower()} with result type {result_kind}")
    if context["res_add"] and result_kind not in (ElementType.I32, ElementType.F32):
        raise context.not_modelled("res_add with a result of 16 bits")
    rows, columns = context["res0_c"], context["res0_w"]
    depth = context["opd1_c"] if context.operation == NN else context["opd1_w"]
    first = (depth, columns) if context.operation == TT else (rows, depth)
    second = {NN: (depth, columns), NT: (columns, depth), TT: (rows, depth)}[context.operation]
    left = _matrix(context, "opd0", first, dtype_of(context, "opd0"))
    right = _matrix(context, "opd1", second, dtype_of(context, "opd0", context["opd1_sign"]))
    result = aligned_tensor(context, "res0", (1, rows, 1, columns), dtype_of(context, "res0"))
    old = (lambda: result.load().reshape(rows, columns)) if context["res_add"] else lambda: None
    if is_float:
        return _float_product(context, left, right, result, old)
    zero_point = _zero_point(context, depth)

    def multiply() -> None:
        a, b, zero = left(), right(), zero_point()
        if context.operation == TT:
            product = matmul.mm2_int8(b, a, left_zero_point=zero, old=old())
        else:
            product = matmul.mm2_int8(a, b if context.operation == NN else b.T, right_zero_point=zero, old=old())
        result.store(product.reshape(1, rows, 1, columns))

    return multiply


def _float_product(
    context: Context, left: Load, right: Load, result: LocalTensor, old: Callable[[], np.ndarray | None]
) -> Step:
    kernel = matmul.mm2_f16 if context["opd0_prec"] == ElementType.F16 else matmul.mm2_bf16
    name, operation, shape = ElementType(context["res0_prec"]).name.lower(), context.operation, result.shape

    def multiply() -> None:
        a, b = left(), right()
        pair = (b, a) if operation == TT else (a, b.T if operation == NT else b)
        result.store(kernel(*pair, old=old(), result=name).reshape(shape))

    return multiply


def _matrix(context: Context, operand: str, shape: tuple[int, int], dtype: np.dtype) -> Load:
    if context[f"{operand}_const"]:
        fixed = np.full(shape, constant(context[f"{operand}_addr"], dtype), dtype)
        return lambda: fixed
    tensor = aligned_tensor(context, operand, (1, shape[0], 1, shape[1]), dtype)
    return lambda: tensor.load().reshape(shape)


def _zero_point(context: Context, depth: int) -> Callable[[], np.ndarray | float]:
    """Zero points of opd1 as an array that broadcasts against the matrix of its role in the product."""
    dtype = np.dtype(np.int8 if context["opd1_sign"] else np.uint8)
    if context["opd2_const"]:
        value = constant(context["opd2_addr"], dtype)
        return lambda: value
    rows, columns = context["res0_c"], context["res0_w"]
    if context.operation == TT:
        tensor = compact_tensor(context, "opd2", (1, rows, 1, 1), dtype)
        return lambda: tensor.load().reshape(rows, 1)
    table = LocalTensor(context.memory, "opd2", context["opd2_addr"], (1, LANES, 1, columns), (0, 0, 0, 1), dtype)
    column = np.arange(columns)
    if context.operation == NN:
        return lambda: table.load()[0, np.arange(depth) % LANES, 0]
    return lambda: table.load()[0, column % LANES, 0, column]
