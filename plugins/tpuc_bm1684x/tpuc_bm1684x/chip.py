"""The chip BM1684X as tpuc sees it. What is heavy is imported by the methods."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from xdsl.ir import Operation

    from tpuc_core.host_part import HostPart
    from tpuc_core.ir import Model
    from tpuc_core.plan import Plan, Precision
    from tpuc_core.session import Session, Tensors


class Bm1684x:
    """See tpuc_core.hookspecs.Chip."""

    name = "bm1684x"

    def supports(self, op: Operation, precision: Precision, *, is_asymmetric: bool = False) -> str | None:
        from tpuc_bm1684x.support import supports

        return supports(op, precision, is_asymmetric=is_asymmetric)

    def lower(self, model: Model, plan: Plan, *, quant_input: bool = False, quant_output: bool = False) -> Model:
        from tpuc_bm1684x.lowering.lower import lower

        return lower(model, plan, quant_input=quant_input, quant_output=quant_output)

    def interpret(self, model: Model) -> Session:
        from tpuc_bm1684x.interpreter import Interpreter

        return Interpreter(model)

    def compile(self, model: Model, bmodel: Path, section: Mapping[str, Any]) -> Model:
        from tpuc_bm1684x.passes.address_assign import AddressAssign
        from tpuc_bm1684x.passes.codegen import Codegen
        from tpuc_bm1684x.passes.layer_group import LayerGroup
        from tpuc_bm1684x.passes.subnet_divide import SubnetDivide
        from tpuc_bm1684x.passes.weight_reorder import WeightReorder
        from tpuc_core.passes import run_passes

        final = model.clone()
        run_passes(final, [WeightReorder(), SubnetDivide(), LayerGroup(), AddressAssign(), Codegen(str(bmodel), section)])
        return final

    def op_cycles(self, model: Model) -> dict[str, int]:
        from tpuc_bm1684x.passes.layer_group.op_cycles import op_cycles

        return op_cycles(model)

    def stored_constants(self, model: Model, op: Operation) -> dict[int, np.ndarray]:
        from tpuc_bm1684x.lowering.stored_constants import stored_constants

        return stored_constants(model, op)

    def attach_certificate(self, bmodel: Path, certificate: Mapping[str, Any], inputs: Tensors) -> None:
        from tpuc_bm1684x.bmodel.certificate import attach_certificate

        attach_certificate(bmodel, certificate, inputs)

    def host_part(self, bmodel: Path) -> HostPart | None:
        """See tpuc_core.hookspecs.HostingChip."""
        from tpuc_bm1684x.bmodel import read_bmodel
        from tpuc_bm1684x.bmodel.host import host_part_of
        from tpuc_core.errors import TpucError

        try:
            stage = next(read_bmodel(bmodel).stages())
        except TpucError:  # a file of another chip
            return None
        return host_part_of(stage)


class SimulatorRunner:
    """Runs bmodels in the simulator."""

    name = "simulator"
    suffixes: tuple[str, ...] = (".bmodel",)

    def open(self, path: Path) -> Session:
        from tpuc_bm1684x.simulator.simulator import Simulator

        return Simulator(path)
