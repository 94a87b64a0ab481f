"""Passes of the vendor's command line that have nothing to do here: their work is part of others, or of `tpuc opt` itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tpuc_core.ir import Model
from tpuc_core.passes.base import Pass, option


class _Nothing(Pass):
    """A pass that leaves the model as it is."""

    def apply(self, model: Model) -> None:
        return


@dataclass
class Init(_Nothing):
    """Accepted: files are read by `tpuc opt` itself."""

    name: ClassVar[str] = "init"
    freq: int = option(0, "ignored")
    weight_in_mem: bool = option(False, "ignored")
    level: int = option(0, "ignored")


@dataclass
class Deinit(_Nothing):
    """Accepted: weights are saved with every output."""

    name: ClassVar[str] = "deinit"
    no_save_weight: bool = option(False, "ignored")


@dataclass
class SaveWeight(_Nothing):
    """Accepted: weights are saved with every output, under a name of its own."""

    name: ClassVar[str] = "save-weight"


@dataclass
class ExtraOptimize(_Nothing):
    """Accepted: its rewrites are part of --canonicalize."""

    name: ClassVar[str] = "extra-optimize"


@dataclass
class StructOptimize(_Nothing):
    """Accepted: its rewrites are part of --canonicalize and of the importers."""

    name: ClassVar[str] = "struct-optimize"


@dataclass
class WeightFold(_Nothing):
    """Accepted: weights are folded where ops are rewritten."""

    name: ClassVar[str] = "weight-fold"


@dataclass
class DisableThreading(_Nothing):
    """Accepted: passes run one after the other."""

    name: ClassVar[str] = "mlir-disable-threading"
