"""The table of contents for plugin authors: everything that a plugin can add to tpuc.

A plugin is a distribution with an entry point in the group `tpuc` that names a module with some of these functions, marked
`@hookimpl`. Every function returns light objects: what is heavy is imported when a method of theirs is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pluggy

if TYPE_CHECKING:
    import numpy as np
    from xdsl.dialects.builtin import ModuleOp  # noqa: F401
    from xdsl.ir import Dialect, Operation

    from tpuc_core.host_part import HostPart
    from tpuc_core.ir import Model
    from tpuc_core.passes import Pass
    from tpuc_core.plan import Plan, Precision
    from tpuc_core.session import Session, Tensors

hookspec = pluggy.HookspecMarker("tpuc")
hookimpl = pluggy.HookimplMarker("tpuc")


@dataclass(frozen=True)
class Command:
    """A sub-command: `target` is "package.module:object" of a click command, imported when the command runs."""

    name: str
    target: str
    help: str


@dataclass(frozen=True)
class FrontendOptions:
    """What a user says about a model beyond its file.

    input_shapes: one shape per input, or None for those in the file; output_names: tensors to end the model at;
    preprocessing: attributes for top.Input, see tpuc_core.images.Preprocessing; constant_inputs: inputs that always have
    one value, with it: they are constants of the imported model, and have no place in input_shapes.
    """

    model_name: str
    input_shapes: Sequence[Sequence[int]] | None = None
    output_names: Sequence[str] = ()
    preprocessing: Any = None
    constant_inputs: Mapping[str, float] = field(default_factory=dict)


class Frontend(Protocol):
    """Reads one model format."""

    name: str
    suffixes: tuple[str, ...]

    def load(self, files: Sequence[Path], options: FrontendOptions) -> Model:
        """The model as `top` ops, state TOP_F32. Raises TpucError: unreadable file, unsupported ops (all of them, with
        node names), wrong shapes."""
        ...

    def reference(self, files: Sequence[Path], options: FrontendOptions) -> Session:
        """The original engine on the model as `load` imports it: tensor names are those of the imported model."""
        ...

    def simplified(self, files: Sequence[Path], options: FrontendOptions) -> bytes | None:
        """The file as it was simplified for import, in its own format; None where it is imported as it is."""
        ...


class Quantizer(Protocol):
    """Decides precisions and scales for the modes that it names."""

    modes: tuple[str, ...]

    def plan(self, model: Model, chip: Chip, mode: str, *, is_asymmetric: bool = False,
             overrides: Mapping[str, Precision] | None = None) -> Plan:
        """The plan for a model that is calibrated where the mode needs it. `overrides` come from a qtable."""
        ...


class Chip(Protocol):
    """Lowers, compiles and interprets for one chip."""

    name: str

    def supports(self, op: Operation, precision: Precision, *, is_asymmetric: bool = False) -> str | None:
        """None if the chip runs that `top` op in that precision, else the reason why not, as a noun phrase."""
        ...

    def lower(self, model: Model, plan: Plan, *, quant_input: bool = False, quant_output: bool = False) -> Model:
        """The model as `tpu` ops, state TPU_LOWERED."""
        ...

    def interpret(self, model: Model) -> Session:
        """Runs `tpu` ops on whole arrays, with the bits of the chip."""
        ...

    def compile(self, model: Model, bmodel: Path, section: Mapping[str, Any]) -> Model:
        """Runs all passes on a lowered model and writes the file; the final model."""
        ...

    def attach_certificate(self, bmodel: Path, certificate: Mapping[str, Any], inputs: Tensors) -> None:
        """Writes a certificate (plain data, see tpuc_core.certify) and the test input that it speaks of into a compiled file;
        commands and weights stay as they are."""
        ...


@runtime_checkable
class HostingChip(Protocol):
    """A chip whose files may end before the net does: the host computes the rest."""

    def host_part(self, bmodel: Path) -> HostPart | None:
        """What the host computes behind a file; None where the chip computes all, and for files of others. Raises TpucError: a damaged one."""
        ...


class EstimatingChip(Chip, Protocol):
    """A chip for `tpuc search` and `tpuc attribute`, which ask these two things more."""

    def op_cycles(self, model: Model) -> dict[str, int]:
        """Estimated cycles of every op of a lowered model by itself, by name: what `tpuc search` chooses by before it compiles."""
        ...

    def stored_constants(self, model: Model, op: Operation) -> dict[int, np.ndarray]:
        """The constant factor of a `top` op (filter, matrix) as the chip holds it in INT8, and what else changes with it (a bias that takes
        back what is rounded), in real values, float32, by the number of the operand; empty for ops without one."""
        ...


class Runner(Protocol):
    """Opens model files of some kind for execution."""

    name: str
    suffixes: tuple[str, ...]

    def open(self, path: Path) -> Session:
        """An open model. Raises TpucError for a file that is not one."""
        ...


@runtime_checkable
class RunnerOfTwoFiles(Protocol):
    """A runner of a format whose weights are in a file of their own; `Runner.open` finds that beside the model."""

    def open_with_weight(self, path: Path, weight: Path) -> Session:
        """An open model with the weights of that file. Raises TpucError for files that are none."""
        ...


@hookspec
def tpuc_frontends() -> list[Frontend]:
    """Model formats that `tpuc transform` reads."""
    return []


@hookspec
def tpuc_quantizers() -> list[Quantizer]:
    """Quantization modes for `tpuc deploy` and `tpuc opt --convert-top-to-tpu`."""
    return []


@hookspec
def tpuc_chips() -> list[Chip]:
    """Chips to compile for."""
    return []


@hookspec
def tpuc_runners() -> list[Runner]:
    """File kinds that `tpuc run` and `tpuc eval` execute. Where several share a suffix the first one that is not asked for by
    name with `--runner` wins."""
    return []


@hookspec
def tpuc_passes() -> list[type[Pass]]:
    """Passes for `tpuc opt`."""
    return []


@hookspec
def tpuc_dialects() -> list[Dialect]:
    """Dialects with operators of third parties."""
    return []


@hookspec
def tpuc_extensions() -> dict[str, Sequence[str]]:
    """Modules that register themselves with a part of tpuc, by the name of that part; imported when the part is first used.

    "evaluate": float evaluations (tpuc_core.evaluate.registry.evaluates); "onnx": importers of ONNX operators
    (tpuc_onnx.registry.converts); "bm1684x.lowering": lowering rules; "bm1684x.kernels": chip kernels.
    """
    return {}


@hookspec
def tpuc_commands() -> list[Command]:
    """Sub-commands of `tpuc`; a name with a blank ("bmodel info") makes a command of a group."""
    return []


@hookspec
def tpuc_metrics() -> dict[str, Any]:
    """Metrics for `tpuc eval metric` and `tpuc search`, by name: functions of (outputs, sample), see tpuc_core.evaluate.metrics."""
    return {}


@hookspec
def tpuc_threshold_methods() -> dict[str, Any]:
    """Methods for `tpuc calibrate --method`, by name: functions of a tensor's statistics (a histogram of magnitudes, least,
    greatest, moments) to its threshold."""
    return {}
