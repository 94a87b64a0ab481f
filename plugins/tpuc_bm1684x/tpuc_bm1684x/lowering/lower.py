"""`lower`: the `top` ops of a model become `tpu` ops as a plan says."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from xdsl.rewriter import Rewriter

from tpuc_bm1684x.lowering.context import ELEMENTS, Lowering
from tpuc_bm1684x.lowering.prequantized import make_activations_real, make_weights_real
from tpuc_bm1684x.lowering.registry import RULES
from tpuc_bm1684x.lowering.strip_io import strip_input_casts, strip_output_casts
from tpuc_bm1684x.lowering.views import fit_views
from tpuc_core.errors import TpucError
from tpuc_core.ir import State, TensorOp, tensor_name
from tpuc_core.plan import Precision
from tpuc_core.plugins import load_extensions

if TYPE_CHECKING:
    from tpuc_core.ir import Model
    from tpuc_core.plan import Plan

CHIP = "bm1684x"
FAMILIES = ("arithmetic", "comparison", "convolution", "gather", "generic", "host", "matmul", "movement", "normalization", "pooling",
            "prequantized", "recurrent", "reduction", "resize", "unary")
for _family in FAMILIES:
    import_module(f"tpuc_bm1684x.lowering.{_family}")
load_extensions("bm1684x.lowering")


def lower(model: Model, plan: Plan, *, quant_input: bool = False, quant_output: bool = False,
          is_matmul_per_column: bool = True) -> Model:
    """A new model of `tpu` ops, state TPU_LOWERED; the given one is not changed.

    quant_input, quant_output: 8 bits at the border, no casts there. is_matmul_per_column: a weight scale for each column.
    Raises TpucError for ops that the chip cannot run as the plan says.
    """
    lowered = model.clone()
    lower_in_place(lowered, plan, is_matmul_per_column=is_matmul_per_column)
    if quant_input:
        strip_input_casts(lowered)
    if quant_output:
        strip_output_casts(lowered)
    return lowered


def lower_in_place(model: Model, plan: Plan, *, is_matmul_per_column: bool = True) -> None:
    """As `lower`, with the model itself."""
    lowering = Lowering(model, plan, is_matmul_per_column=is_matmul_per_column)
    is_quantized = model.state is State.TOP_QUANTIZED
    if is_quantized:
        make_activations_real(model)
    for op in model.ops():
        if isinstance(op, TensorOp):
            _lower_op(op, lowering)
    if is_quantized and plan.mode == Precision.INT8:
        model.set_outputs([lowering.stored_output(value) for value in model.outputs])
    _cast_outputs(model, lowering)
    fit_views(model)
    _drop_unused_constants(model)
    model.chip, model.mode, model.state = CHIP, plan.mode, State.TPU_LOWERED
    for name, value in (("addr_mode", "basic"), ("asymmetric", plan.is_asymmetric), ("cores", 1), ("devices", 1),
                        ("high_precision", False), ("q_group_size", 0), ("q_symmetric", False)):
        model.set_attribute(name, value)


def _lower_op(op: TensorOp, lowering: Lowering) -> None:
    name = tensor_name(op.results[0])
    planned = lowering.plan.ops.get(name)
    precision = planned.precision if planned else Precision.F32
    rule = RULES.get((op.name, precision))
    if rule is None:
        raise TpucError(f'"{name}": {CHIP} has no {precision} form of {op.name}')
    lowering.element = ELEMENTS[precision]
    if precision is not Precision.INT8:
        make_weights_real(op, lowering)
    op.results[0].replace_all_uses_with(rule.lower(op, lowering))
    Rewriter.erase_op(op)


def _cast_outputs(model: Model, lowering: Lowering) -> None:
    """Everything becomes f32 in front of the return."""
    model.set_outputs([lowering.real_output(value) for value in model.outputs])


def _drop_unused_constants(model: Model) -> None:
    for op in list(model.main.body.block.ops):
        if op.name in ("top.Weight", "top.None") and not any(result.uses for result in op.results):
            if op.name == "top.Weight":
                del model.weights[tensor_name(op.results[0])]
            Rewriter.erase_op(op)

