"""Eight bits at a model's border: the casts of inputs and outputs vanish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdsl.rewriter import Rewriter

from tpuc_core.ir import quantization_of, storage_of

if TYPE_CHECKING:
    from tpuc_core.ir import Model


def strip_input_casts(model: Model) -> None:
    """An input whose only user is a cast to 8 bits gives the integers itself. Its function argument stays f32 in the text."""
    for op in model.inputs:
        cast = op.results[0].get_user_of_unique_use()
        if cast is not None and cast.name == "tpu.Cast" and quantization_of(cast.results[0]) is not None:
            integers = Rewriter.replace_value_with_new_type(op.results[0], cast.results[0].type)
            cast.results[0].replace_all_uses_with(integers)
            cast.parent_block().erase_op(cast)


def strip_output_casts(model: Model) -> None:
    """An output that a last cast makes f32 is returned as the integers in front of the cast, under their own name."""
    end = model.main.get_return_op()
    for index, value in enumerate(end.operands):
        cast = value.owner
        if cast.name == "tpu.Cast" and storage_of(value) == "f32" and quantization_of(cast.operands[0]) is not None:
            end.operands[index] = cast.operands[0]
            if not value.uses:
                cast.parent_block().erase_op(cast)
    model.main.update_function_type()
