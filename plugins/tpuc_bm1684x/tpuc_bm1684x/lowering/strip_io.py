"""Eight or sixteen bits at a model's border: the casts of inputs and outputs vanish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.ir import OpResult
from xdsl.rewriter import Rewriter

from tpuc_core.errors import TpucError
from tpuc_core.ir import quantization_of, storage_of, tensor_name

if TYPE_CHECKING:
    from xdsl.ir import Operation, SSAValue

    from tpuc_core.ir import Model


def strip_input_casts(model: Model) -> None:
    """An input whose only user is a cast to 8 or 16 bits gives that itself. Its function argument stays f32 in the text.

    Raises TpucError where no input is so.
    """
    casts = {op: cast for op in model.inputs if (cast := _only_cast(op.results[0])) is not None}
    if not casts:
        names = ", ".join(f'"{tensor_name(op.results[0])}"' for op in model.inputs)
        raise TpucError(f'no input of "{model.name}" can be of 8 or 16 bits: {names} is used in F32; leave quant_input out')
    for op, cast in casts.items():
        narrow = Rewriter.replace_value_with_new_type(op.results[0], cast.results[0].type)
        cast.results[0].replace_all_uses_with(narrow)
        Rewriter.erase_op(cast)


def _only_cast(value: SSAValue) -> Operation | None:
    user = value.get_user_of_unique_use()
    return user if user is not None and user.name == "tpu.Cast" and _is_narrow(user.results[0]) else None


def _is_narrow(value: SSAValue) -> bool:
    return quantization_of(value) is not None or storage_of(value) in ("f16", "bf16")


def strip_output_casts(model: Model) -> None:
    """An output that a last cast makes f32 is returned as what is in front of the cast, under its own name.

    Raises TpucError where no output is so.
    """
    values = model.outputs
    casts = [_last_cast(value) for value in values]
    if not any(casts):
        names = ", ".join(f'"{tensor_name(value)}"' for value in values)
        raise TpucError(f'no output of "{model.name}" can be of 8 or 16 bits: {names} is computed in F32; leave quant_output out')
    model.set_outputs([value if cast is None else cast.operands[0] for value, cast in zip(values, casts, strict=True)])
    for cast in dict.fromkeys(casts):
        if cast is not None and not cast.results[0].uses:
            Rewriter.erase_op(cast)


def _last_cast(value: SSAValue) -> Operation | None:
    cast = value.op if isinstance(value, OpResult) and value.op.name == "tpu.Cast" else None
    is_last = cast is not None and storage_of(value) == "f32" and _is_narrow(cast.operands[0])
    return cast if is_last else None
