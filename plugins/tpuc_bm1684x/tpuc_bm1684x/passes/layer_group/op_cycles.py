"""What each op of a lowered model costs by itself: for choosing precisions, where compiling every choice would take too long."""

from __future__ import annotations

from tpuc_bm1684x.codegen.steps import GroupStep
from tpuc_bm1684x.kernels import AliasKernel, GlobalKernel, LocalKernel, Slice, kernel_for
from tpuc_bm1684x.kernels.base import Kernel, global_view
from tpuc_bm1684x.kernels.cost_engine import CostEngine
from tpuc_bm1684x.passes.layer_group.cost import CostModel, block_cycles
from tpuc_bm1684x.passes.layer_group.layer_group import Planner
from tpuc_core.ir import Model, TensorOp, tensor_name


def op_cycles(model: Model) -> dict[str, int]:
    """Estimated cycles of every op of a model in state TPU_LOWERED, by name.

    Of an op in local memory: its computation and the loading of its constants, which overlap; not its inputs and its result,
    which stay in local memory in a group. Of one that goes through global memory: all that it does. Raises TpucError for an op that does not
    fit local memory in any slice.
    """
    costs = CostModel()
    return {tensor_name(op.results[0]): _cycles(kernel_for(op), costs) for op in model.ops() if isinstance(op, TensorOp)}


def _cycles(kernel: Kernel, costs: CostModel) -> int:
    if isinstance(kernel, AliasKernel):
        return 0
    if isinstance(kernel, GlobalKernel):
        engine = CostEngine()
        kernel.emit(engine, global_view(kernel.out), [global_view(value) for value in kernel.activations], {})
        return _overlapped(engine.cycles["tiu"], engine.cycles["gdma"])
    assert isinstance(kernel, LocalKernel)
    step, = Planner([kernel], {kernel.out}).best(1)
    return _overlapped(_computation(step, kernel, costs), block_cycles(kernel))


def _overlapped(tiu: int, gdma: int) -> int:
    """As group_cycles: transfers run beside computations for the most part."""
    return max(tiu, gdma) + min(tiu, gdma) // 8


def _computation(step: GroupStep, kernel: LocalKernel, costs: CostModel) -> int:
    """TIU cycles of all slices."""
    total, n = 0, kernel.out_shape[0]
    for section in range(step.hsecs):
        rows = step.rows(section)
        part = Slice(rows[kernel.name, kernel.out_shape], tuple(rows[key] for key in step.keys(kernel)))
        total += costs.kernel(kernel, -(-n // step.nsecs), part).tiu_cycles * step.nsecs
    return total
