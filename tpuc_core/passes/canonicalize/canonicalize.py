"""The pass that applies all rewrites until none applies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.pattern_rewriter import GreedyRewritePatternApplier, PatternRewriteWalker

from tpuc_core.ir import Model, State
from tpuc_core.passes.base import Pass
from tpuc_core.passes.canonicalize import affine, constants, layout


@dataclass
class Canonicalize(Pass):
    """Write the network in its simplest ops: Relu fused, BatchNorm as Scale, constants as attributes, unused weights dropped.

    A tensor keeps its name; where two ops become one, the name is that of the later one. On `tpu` ops only what is unused
    goes away.
    """

    name: ClassVar[str] = "canonicalize"

    def apply(self, model: Model) -> None:
        is_top = model.state in (State.TOP_F32, State.TOP_CALIBRATED)
        kinds = [*layout.PATTERNS, *constants.PATTERNS, *affine.PATTERNS] if is_top else [layout.EraseUnused]
        applier = GreedyRewritePatternApplier([kind(model) for kind in kinds])
        PatternRewriteWalker(applier).rewrite_module(model.module)
        model.update_function_types()
