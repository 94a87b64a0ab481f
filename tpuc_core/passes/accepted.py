"""Passes of the vendor's command lines that have nothing to do here: their work is part of others, or of `tpuc opt` itself."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from tpuc_core.ir import Model
from tpuc_core.passes.base import Pass


class AcceptedPass(Pass):
    """A pass that leaves the model as it is."""

    def apply(self, model: Model) -> None:
        return


def _accepted(name: str, reason: str, **options: Any) -> type[Pass]:
    """The class of an accepted pass; options are read and ignored."""
    fields: list[Any] = [("name", ClassVar[str], name)]
    fields += [(key, type(value).__name__, dataclasses.field(default=value)) for key, value in options.items()]
    made = dataclasses.make_dataclass(name.title().replace("-", ""), fields, bases=(AcceptedPass,))
    made.__doc__ = f"Accepted, does nothing: {reason}."
    return made


_PART_OF_CANONICALIZE = "its rewrites are part of --canonicalize"
_PART_OF_LOWERING = "its rewrites are part of --convert-top-to-tpu"
_ONE_CORE = "the chip has one core"

ACCEPTED: list[type[Pass]] = [
    _accepted("init", "`tpuc opt` reads files itself", freq=0, weight_in_mem=False, level=0),
    _accepted("deinit", "weights are saved with every output", no_save_weight=False),
    _accepted("save-weight", "weights are saved with every output, under a name of its own"),
    _accepted("mlir-disable-threading", "passes run one after the other"),
    _accepted("struct-optimize", _PART_OF_CANONICALIZE),
    _accepted("extra-optimize", _PART_OF_CANONICALIZE),
    _accepted("processor-top-optimize", _PART_OF_LOWERING),
    _accepted("processor-tpu-optimize", _PART_OF_LOWERING),
    _accepted("weight-fold", "weights are folded where ops are rewritten"),
    _accepted("dev-parallel", "there is one device"),
    _accepted("core-parallel", _ONE_CORE),
    _accepted("op-reorder", "ops keep the order of the model"),
    _accepted("topo-sort", "ops keep the order of the model", depth_first="true"),
    _accepted("affine-opt", "no op addresses memory through maps"),
    _accepted("after-layergroup-weight-reorder", "--weight-reorder does it all"),
]
