"""AR, sAR: element-wise arithmetic; VC, sVC: the same for all pairs of elements of two vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tpuc_kernels import elementwise

from tpuc_bm1684x.isa.kinds import ElementType
from tpuc_bm1684x.simulator.execute.binding import Context, Step, executes
from tpuc_bm1684x.simulator.execute.operands import (
    LocalTensor,
    aligned_tensor,
    constant_array,
    dtype_of,
    element_type,
    loader,
    per_channel,
    result_shape,
    tensor_by_layout,
)
from tpuc_core.errors import TpucError

BINARY = {
    0: "mul",
    2: "add",
    3: "sub",
    4: "max",
    5: "min",
    6: "shift_logic",
    7: "and",
    8: "or",
    9: "xor",
    12: "div",
    21: "shift_arith",
    22: "rotate",
    23: "mul_high",
    27: "fsubabs",
}
SELECT = {10: "select_gt", 11: "select_eq", 13: "select_lt"}
SATURATED = {15: "adds", 16: "subs", 20: "muls"}
UNARY = {1: "not", 26: "abs", 29: "first_one", 30: "first_zero"}
CAST, MAC, COPY = 14, 18, 19
UNSIGNED = (6, 22)
"""Logic shift and rotation take the bits of opd0, whatever its sign."""
PAIR_OPERATIONS = {0, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15, 16, 20, 23}
DIV_ITERATIONS_OF_PAIRS = 2
"""The field's value for 3 iterations: VC ignores the field."""
I8 = np.dtype(np.int8)

Compute = Callable[..., np.ndarray]


def kind_name(context: Context, operand: str, is_signed: int = 1) -> str:
    """The kernels' name of an operand's element type: i8, u8, ..., f16, bf16, f32."""
    kind = element_type(context, context[f"{operand}_prec"])
    name = kind.name.lower()
    return name if kind.is_float or is_signed else f"u{name[1:]}"


def has_bf16(context: Context, *operands: str) -> bool:
    """True if one of the operands is bf16."""
    return any(context[f"{operand}_prec"] == ElementType.BF16 for operand in operands)


def checked(context: Context, compute: Compute, *dtypes: np.dtype) -> Compute:
    """The function, once it is known to work on operands of those dtypes."""
    try:
        compute(*(np.ones((1, 1, 1, 1), dtype) for dtype in dtypes))
    except ValueError as error:
        raise context.not_modelled(str(error)) from error
    return compute


@executes("AR", "sAR")
def bind_arithmetic(context: Context) -> Step:
    """result = operation(opd0, opd1, opd2)."""
    operation, shape = context.operation, result_shape(context)
    if operation == COPY:
        return _bind_copy(context)
    if operation == MAC:
        return _bind_mac(context)
    is_unary = operation == CAST or operation in UNARY
    expected = 1 if is_unary else 3 if operation in SELECT else 2
    if context["tsk_opd_num"] != expected and not (operation in SATURATED and context["tsk_opd_num"] == 3):
        raise TpucError(f"tsk_opd_num is {context['tsk_opd_num']}; {expected} would be right")
    compute, result_type = (_unary if is_unary else binary)(context)
    result = tensor_by_layout(context, "res0", shape, result_type)
    first = dtype_of(context, "opd0", 0 if operation in UNSIGNED else None)
    a = loader(context, "opd0", shape, first)
    if is_unary:
        checked(context, compute, first)
        return _step(result, lambda: compute(a()))
    second = dtype_of(context, "opd1")
    b = loader(context, "opd1", shape, second)
    if operation in SATURATED and context["tsk_opd_num"] == 3:
        shift = per_channel(context, "opd2", shape[1], I8)
        checked(context, lambda x, y: compute(x, y, shift=np.zeros((), I8)), first, second)
        return _step(result, lambda: compute(a(), b(), shift=_one_or_many(shift())))
    checked(context, compute, first, second)
    return _step(result, lambda: compute(a(), b()))


def _one_or_many(values: np.ndarray) -> np.ndarray:
    """A parameter of the kernels: of no dimensions, or [c]."""
    return values.reshape(()) if values.size == 1 else values.reshape(-1)


def _step(result: LocalTensor, value: Callable[[], np.ndarray]) -> Step:
    """Stores the value, which broadcasts to the result."""
    shape = result.shape

    def run() -> None:
        array = value()
        result.store(array if array.shape == shape else np.broadcast_to(array, shape))

    return run


def binary(context: Context) -> tuple[Compute, np.dtype]:
    """The function of two operands that the command names, and the dtype of its result."""
    operation, rounding = context.operation, context["opd2_n_str"]
    bf16 = has_bf16(context, "res0", "opd0", "opd1")
    is_signed = bool(context["opd0_sign"] or context["opd1_sign"]) or SATURATED.get(operation) == "subs"
    is_signed &= operation not in UNSIGNED
    name, dtype = kind_name(context, "res0", is_signed), dtype_of(context, "res0", is_signed)
    operation_name = BINARY.get(operation) or SELECT.get(operation) or SATURATED.get(operation)
    if operation_name is None:
        raise context.not_modelled(f"operation {operation}")
    if operation in SELECT:
        if context.command.form.endswith("AR") and not context["opd2_const"]:
            raise context.not_modelled("a select whose third operand is a tensor")
        chosen = constant_array(context["opd2_addr"], dtype).reshape(())
        return (lambda a, b: elementwise.binary(operation_name, a, b, name, value=chosen, bf16=bf16)), dtype
    if operation_name == "div":
        rounding &= 3
    return (
        lambda a, b, shift=None: elementwise.binary(
            operation_name, a, b, name, shift=shift, rounding=rounding, bf16=bf16
        )
    ), dtype


def _unary(context: Context) -> tuple[Compute, np.dtype]:
    bf16 = has_bf16(context, "opd0")
    if context.operation == CAST:
        rounding, is_signed = context["opd2_n_str"], context["opd2_sign"]
        name = kind_name(context, "res0", is_signed)
        return (lambda a: elementwise.cast(a, name, rounding, bf16=bf16)), dtype_of(context, "res0", is_signed)
    operation, name = UNARY[context.operation], kind_name(context, "res0", context["opd0_sign"])
    return (lambda a: elementwise.unary(operation, a, name, bf16=bf16)), dtype_of(context, "res0", context["opd0_sign"])


def _bind_copy(context: Context) -> Step:
    shape, dtype = result_shape(context), np.dtype(f"u{element_type(context, context['res0_prec']).size_bytes}")
    if element_type(context, context["opd0_prec"]).size_bytes != dtype.itemsize:
        raise context.not_modelled("a copy between types of different sizes")
    return _step(tensor_by_layout(context, "res0", shape, dtype), loader(context, "opd0", shape, dtype))


def _bind_mac(context: Context) -> Step:
    shape = result_shape(context)
    left, right, rounding = context["opd2_addr"] & 255, context["opd2_addr"] >> 8 & 255, context["opd2_n_str"]
    if max(left, right) > 15:
        raise context.not_modelled("mac with a shift above 15")
    result = tensor_by_layout(
        context, "res0", shape, dtype_of(context, "res0", context["opd0_sign"] or context["opd1_sign"])
    )
    a, b = (loader(context, name, shape, dtype_of(context, name)) for name in ("opd0", "opd1"))
    checked(
        context,
        lambda old, x, y: elementwise.mac(old, x, y, left, right, rounding),
        result.dtype,
        dtype_of(context, "opd0"),
        dtype_of(context, "opd1"),
    )
    return _step(
        result, lambda: elementwise.mac(result.load(), np.broadcast_to(a(), shape), b(), left, right, rounding)
    )


@executes("VC", "sVC")
def bind_pairs(context: Context) -> Step:
    """result[i, c, 0, w] = operation(opd0[i], opd1[c, w])."""
    if context.operation not in PAIR_OPERATIONS:
        raise context.not_modelled(f"operation {context.operation}")
    if BINARY.get(context.operation) == "div":
        context.command.__dict__["opd2_n_str"] = DIV_ITERATIONS_OF_PAIRS
    pieces, width, last = context["opd0_c"], context["opd0_w"], context["opd1_w"]
    if not 0 < last <= width:
        raise TpucError(f"the last piece of opd0 has {last} elements, the others {width}")
    length, c, w = (pieces - 1) * width + last, context["res0_c"], context["res0_w"]
    compute, result_type = binary(context)
    a = aligned_tensor(context, "opd0", (1, pieces, 1, width), dtype_of(context, "opd0"))
    b = aligned_tensor(context, "opd1", (1, c, 1, w), dtype_of(context, "opd1"))
    result = aligned_tensor(context, "res0", (length, c, 1, w), result_type)
    checked(context, compute, a.dtype, b.dtype)
    return _step(result, lambda: compute(a.load().reshape(-1, 1, 1, 1)[:length], b.load()))
