"""Plans for models that are quantized already: their types hold every scale and zero point, and no calibration is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tpuc_core.ir import quantization_of, tensor_name
from tpuc_core.plan import OpPlan, Plan, Precision
from tpuc_core.planning import plan_ops

if TYPE_CHECKING:
    from tpuc_core.hookspecs import Chip
    from tpuc_core.ir import Model


def plan_prequantized(model: Model, chip: Chip, mode: Precision, overrides: Mapping[str, Precision]) -> Plan:
    """The plan of a model in state TOP_QUANTIZED, in that mode. Tensors that are no integers, and what reads them, run in F32."""
    values = [result for op in (*model.inputs, *model.ops()) for result in op.results]
    tensors = {tensor_name(v): q for v in values if (q := quantization_of(v)) is not None}
    plan = plan_ops(Plan(mode.value, True, tensors=tensors), model, chip, overrides)
    for op in model.ops():
        name = tensor_name(op.results[0])
        if op.name == "top.Cast" and name not in overrides:  # it stands where precisions meet: nothing falls back
            plan.ops[name] = OpPlan(
                name, op.name, mode if mode is not Precision.INT8 or name in tensors else Precision.F32
            )
    return plan
