"""The chip as tpuc sees it, and the runner of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tpuc_core.errors import TpucError

if TYPE_CHECKING:
    from xdsl.ir import Operation

    from tpuc_core.ir import Model
    from tpuc_core.plan import Plan, Precision
    from tpuc_core.session import Session, Tensors


class Abacus:
    """See tpuc_core.hookspecs.Chip."""

    name = "abacus"

    def supports(self, op: Operation, precision: Precision, *, is_asymmetric: bool = False) -> str | None:
        from tpuc_abacus.lowering import obstacle

        return obstacle(op, precision)  # type: ignore[arg-type]

    def lower(self, model: Model, plan: Plan, *, quant_input: bool = False, quant_output: bool = False) -> Model:
        from tpuc_abacus.lowering import lower

        if quant_input or quant_output:
            raise TpucError("abacus has no integers: leave out --quant_input and --quant_output")
        return lower(model, plan)

    def interpret(self, model: Model) -> Session:
        from tpuc_abacus.interpreter import Interpreter

        return Interpreter(model)

    def compile(self, model: Model, bmodel: Path, section: Mapping[str, Any]) -> Model:
        from tpuc_abacus.program import compile_model, write

        write(Path(bmodel), *compile_model(model, dict(section)))
        return model

    def attach_certificate(self, bmodel: Path, certificate: Mapping[str, Any], inputs: Tensors) -> None:
        from tpuc_abacus.program import read, write

        program, constants = read(bmodel)
        write(bmodel, replace(program, section={**program.section, "certificate": dict(certificate)}), constants)


class MachineRunner:
    """Runs .abacus files."""

    name = "abacus"
    suffixes: tuple[str, ...] = (".abacus",)

    def open(self, path: Path) -> Session:
        from tpuc_abacus.machine import Machine

        return Machine(path)
