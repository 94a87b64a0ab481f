"""Ops behind the chip's part of a net that the host computes, in float, from what the chip gives: docs/decisions/host_ops.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.session import Session, TensorInfo, Tensors


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

    def ends(self, chip_outputs: Iterable[TensorInfo]) -> list[TensorInfo]:
        """The outputs of the net, given those of the chip."""
        known = {info.name: info for info in chip_outputs}
        known |= {op.name: TensorInfo(op.name, tuple(op.shape)) for op in self.ops}
        missing = [name for name in self.outputs if name not in known]
        if missing:
            raise TpucError(f'what the file says about ops behind the chip names an output "{missing[0]}" that nothing makes')
        return [known[name] for name in self.outputs]

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


class HostedSession:
    """A session of the chip's part of a file, completed by the host's part."""

    def __init__(self, chip: Session, host: HostPart):
        self.chip, self.host = chip, host
        self.inputs, self.outputs = chip.inputs, host.ends(chip.outputs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.chip, name)

    def run(self, inputs: Tensors, *, all_tensors: bool = False, dequantize: bool = True) -> Tensors:
        """See `tpuc_core.session.Session`."""
        tensors = self.chip.run(inputs, all_tensors=all_tensors, dequantize=dequantize)
        tensors |= self.host.run(tensors)
        return tensors if all_tensors else {name: tensors[name] for name in self.host.outputs}

    def run_many(self, batches: Iterable[Tensors]) -> Iterator[Tensors]:
        """The outputs for each of the inputs."""
        for inputs in batches:
            yield self.run(inputs)


def completed(session: Session, path: Path) -> Session:
    """A session of a compiled file, with what the host computes behind it where one of the installed chips says that.

    Raises TpucError where the file is damaged there.
    """
    from tpuc_core.hookspecs import HostingChip
    from tpuc_core.plugins import plugins

    for chip in plugins().chips:
        part = chip.host_part(path) if isinstance(chip, HostingChip) else None
        if part is not None:
            return HostedSession(session, part)
    return session
