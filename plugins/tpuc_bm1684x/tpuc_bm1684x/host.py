"""Ops behind the chip's part of a net that the processor beside the chip computes, in float: see docs/decisions/host_ops.md.

A file has them in its section, under "host".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tpuc_core.errors import TpucError


@dataclass(frozen=True)
class HostOp:
    """One op: its kind ("DetectionOutput"), attributes, the names of what it reads, name and shape of what it gives."""

    kind: str
    attributes: dict[str, Any]
    operands: list[str]
    name: str
    shape: list[int]

    def get(self, name: str) -> Any:
        """An attribute, None where it has none of that name."""
        return self.attributes.get(name)

    def run(self, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
        """The result, float32, from real values by name. Raises TpucError for a kind that nobody can compute."""
        from tpuc_core.evaluate.registry import BoundOp, evaluation_of

        function = evaluation_of(f"top.{self.kind}")
        if function is None:
            raise TpucError(f'"{self.name}": this tpuc cannot compute {self.kind}, which the file wants behind the chip')
        bound = BoundOp(f"top.{self.kind}", self, [tuple(self.shape)])  # type: ignore[arg-type]
        return np.ascontiguousarray(function(bound, *(tensors[name] for name in self.operands)), np.float32)


class HostPart:
    """The host ops of a file. `outputs` are the names of the net's outputs, `constants` what the ops read of the weights.

    Raises TpucError for content that is none.
    """

    def __init__(self, content: Mapping[str, Any], constants: Mapping[str, np.ndarray]):
        try:
            self.ops = [HostOp(**each) for each in content["ops"]]
            self.outputs = [str(name) for name in content["outputs"]]
        except (KeyError, TypeError) as error:
            raise TpucError(f"what the file says about ops behind the chip is damaged: {error!r}") from error
        self.constants = constants

    def run(self, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The results of all ops, from the real values of what the chip hands out."""
        known = {**self.constants, **tensors}
        found = {}
        for op in self.ops:
            missing = [name for name in op.operands if name not in known]
            if missing:
                raise TpucError(f'"{op.name}" reads "{missing[0]}", which the file does not give')
            found[op.name] = known[op.name] = op.run(known)
        return found
