"""What is searched: a calibrated model, its plan in the low mode, and the chip; and models lowered from other choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from tpuc_core.deploy import Job, load_top
from tpuc_core.errors import TpucError
from tpuc_core.hookspecs import EstimatingChip
from tpuc_core.ir import Model, tensor_name
from tpuc_core.plan import Plan, Precision
from tpuc_core.planning import FOLLOWERS
from tpuc_core.plugins import plugins
from tpuc_core.session import Session

Choice = Mapping[str, Precision]
"""Precisions by op name, of the ops that do not run in the low mode."""


@dataclass(frozen=True)
class Task:
    """A model file with its calibration, and the modes: plain data, to be sent to worker processes."""

    mlir: Path
    table: Path
    chip_name: str = "bm1684x"
    low: Precision = Precision.INT8
    is_asymmetric: bool = False

    def __getstate__(self) -> dict[str, Any]:
        """Without what was made of the files: workers make it themselves."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    @cached_property
    def chip(self) -> EstimatingChip:
        """Raises TpucError for one that says nothing about cycles and weights of single ops."""
        chip = plugins().chip(self.chip_name)
        if not hasattr(chip, "op_cycles") or not hasattr(chip, "stored_constants"):
            raise TpucError(f'chip "{chip.name}" does not estimate what single ops cost; a search needs that')
        return cast(EstimatingChip, chip)

    @cached_property
    def top(self) -> Model:
        """The calibrated model. Raises TpucError, see tpuc_core.deploy.load_top."""
        job = Job(self.mlir, Path("none.bmodel"), self.chip_name, str(self.low), self.table, is_asymmetric=self.is_asymmetric)
        return load_top(job)

    @cached_property
    def base(self) -> Plan:
        """The plan in which nothing is chosen."""
        return self.plan({})

    def plan(self, choice: Choice) -> Plan:
        quantizer = plugins().quantizer(str(self.low))
        return quantizer.plan(self.top, self.chip, str(self.low), is_asymmetric=self.is_asymmetric, overrides=choice)

    def lowered(self, choice: Choice) -> Model:
        return self.chip.lower(self.top, self.plan(choice))

    def session(self, choice: Choice) -> Session:
        """The interpreter of the mixed model: what the compiled file computes, bit for bit."""
        return self.chip.interpret(self.lowered(choice))

    def cycles(self, choice: Choice, bmodel: Path) -> int:
        """Simulated cycles of the compiled file, which is written to `bmodel`."""
        self.chip.compile(self.lowered(choice), bmodel, {})
        return plugins().runner(".bmodel").open(bmodel).profile().total_cycles  # type: ignore[attr-defined]

    def movable(self, high: Precision) -> list[str]:
        """Ops in the low mode that the chip also runs in `high`, in the order of the model; those that follow their input's
        precision go with it."""
        ops = [(tensor_name(op.results[0]), op) for op in self.top.ops()]
        return [name for name, op in ops if op.name not in FOLLOWERS and self.base.ops[name].precision is self.low
                and self.chip.supports(op, high) is None]
