"""The passes of `tpuc opt` around lowering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tpuc_bm1684x.lowering.strip_io import strip_input_casts, strip_output_casts
from tpuc_core.ir import State
from tpuc_core.passes import Pass
from tpuc_core.plugins import plugins
from tpuc_core.quantization_table import precisions_for

if TYPE_CHECKING:
    from tpuc_core.ir import Model

DEFAULT_CHIP = "bm1684x"
NO_CHIP = "ALL"


@dataclass
class ProcessorAssign(Pass):
    """Say which chip and mode the model is for."""

    name: ClassVar[str] = "processor-assign"
    chip: str = DEFAULT_CHIP
    mode: str = "F32"
    num_device: int = 1
    num_core: int = 1
    addr_mode: str = "auto"
    high_precision: bool = False

    def apply(self, model: Model) -> None:
        model.chip = plugins().chip(self.chip).name
        plugins().quantizer(self.mode)
        model.mode = self.mode.upper()


@dataclass
class ConvertTopToTpu(Pass):
    """Quantize as the mode says, and lower to the chip's ops.

    Mode and chip are those of --processor-assign where they are not given.
    """

    name: ClassVar[str] = "convert-top-to-tpu"
    takes: ClassVar[State | tuple[State, ...] | None] = (State.TOP_F32, State.TOP_CALIBRATED, State.TOP_QUANTIZED)
    gives: ClassVar[State | None] = State.TPU_LOWERED
    mode: str = ""
    chip: str = ""
    asymmetric: bool = False
    qtable: str = ""
    weightFileName: str = ""
    doWinograd: bool = False
    q_group_size: int = 0
    q_symmetric: bool = False
    matmul_perchannel: bool = True
    gelu_mode: str = "normal"

    def apply(self, model: Model) -> None:
        chip = plugins().chip(self.chip or (DEFAULT_CHIP if model.chip == NO_CHIP else model.chip))
        mode = self.mode or model.mode or "F32"
        overrides = precisions_for(self.qtable, model) if self.qtable else {}
        plan = plugins().quantizer(mode).plan(model, chip, mode.upper(), is_asymmetric=self.asymmetric, overrides=overrides)
        lowered = chip.lower(model, plan)
        model.module, model.weights = lowered.module, lowered.weights
        if self.weightFileName:
            model.set_attribute("weight_file", self.weightFileName)


@dataclass
class StripIoQuant(Pass):
    """Give inputs or outputs of the model as the 8-bit integers or 16-bit floats that they are inside."""

    name: ClassVar[str] = "strip-io-quant"
    takes: ClassVar[State | tuple[State, ...] | None] = State.TPU_LOWERED
    gives: ClassVar[State | None] = State.TPU_LOWERED
    quant_input: bool = False
    quant_output: bool = False

    def apply(self, model: Model) -> None:
        if self.quant_input:
            strip_input_casts(model)
        if self.quant_output:
            strip_output_casts(model)


LOWERING_PASSES: list[type[Pass]] = [ProcessorAssign, ConvertTopToTpu, StripIoQuant]
