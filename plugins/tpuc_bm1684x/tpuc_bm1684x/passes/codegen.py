"""codegen: the commands of every step, and the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tpuc_bm1684x.bmodel import Bmodel, CommandGroup, Net, Section, Stage, SubNet, WeightLocation, write_bmodel
from tpuc_bm1684x.codegen.emit import Emitter
from tpuc_bm1684x.codegen.steps import steps_of
from tpuc_bm1684x.ends import net_input, net_output
from tpuc_bm1684x.host_ops import chip_outputs, host_section
from tpuc_bm1684x.isa import join_stream
from tpuc_bm1684x.kernels.command_engine import CommandEngine
from tpuc_bm1684x.kernels.local_memory import DoesNotFit
from tpuc_bm1684x.passes.address_assign import weights_of
from tpuc_bm1684x.passes.check_waits import check_waits
from tpuc_core import __version__
from tpuc_core.errors import TpucError
from tpuc_core.ir import Model, State, address_of, tensor_name
from tpuc_core.passes import Pass

FIXED_TIME = "Thu Jan  1 00:00:00 1970\n"


@dataclass
class Codegen(Pass):
    """Write the commands and the weights as a bmodel."""

    name: ClassVar[str] = "codegen"
    takes: ClassVar[State | None] = State.TPU_ADDRESSED
    gives: ClassVar[State | None] = State.TPU_ADDRESSED
    model_file: str = ""
    section: Mapping[str, Any] = field(default_factory=dict, metadata={"hidden": True})

    def apply(self, model: Model) -> None:
        if not self.model_file:
            raise TpucError('pass "codegen" wants the name of the file to write: --codegen="model_file=NAME.bmodel"')
        write_bmodel(Path(self.model_file), compiled(model, self.section))


def emitted(model: Model) -> Emitter:
    """The commands of an addressed model. Raises TpucError for a step that does not fit local memory."""
    addresses = addresses_of(model)
    emitter = Emitter(CommandEngine(addresses))
    for op in model.inputs:
        emitter.tensors.input(op.results[0])
    try:
        emitter.emit(list(steps_of(model)), {tensor_name(op.results[0]) for op in model.inputs})
    except DoesNotFit as error:
        raise TpucError(f'a step of "{model.name}" does not fit the local memory of bm1684x ({error}); run --layer-group before --address-assign') from error
    return emitter


def addresses_of(model: Model) -> dict[str, int]:
    """Global addresses by tensor name, from the types."""
    found: dict[str, int] = {}
    for function in model.functions:
        for value in [*function.args, *(r for op in function.body.block.ops for r in op.results)]:
            if value.type.name == "tensor" and address_of(value) is not None and function.sym_name.data != "main":
                for name in value_names(value):
                    found[name] = address_of(value)  # type: ignore[assignment]
    for op in model.inputs:
        found.setdefault(tensor_name(op.results[0]), address_of(op.results[0]))  # type: ignore[arg-type]
    return found


def value_names(value) -> list[str]:
    """The name of a value, if it has one."""
    try:
        return [tensor_name(value)]
    except TpucError:
        return []


def compiled(model: Model, section: Mapping[str, Any]) -> Bmodel:
    """The file of an addressed model."""
    emitter = emitted(model)
    streams = emitter.engine.streams()
    group = CommandGroup(tiu=join_stream("tiu", streams["tiu"]), gdma=join_stream("gdma", streams["gdma"]),
                         tiu_count=len(streams["tiu"]) + 1, gdma_count=len(streams["gdma"]) + 1)
    check_waits(group.tiu, group.gdma)
    addresses = emitter.engine.addresses
    inputs = [net_input(op.results[0], addresses[tensor_name(op.results[0])]) for op in model.inputs]
    outputs = [net_output(value, addresses[tensor_name(value)]) for value in chip_outputs(model)]
    coefficients, weights = coefficients_of(model, addresses)
    content = {
        "preprocessing": {tensor_name(op.results[0]): preprocessing_of(op) for op in model.inputs},
        "versions": {"tpuc": __version__},
        "tensors": list(emitter.tensors.entries.values()),
        **host_section(model),
        **section,
    }
    stage = Stage(inputs, outputs, [SubNet(inputs, outputs, [group])], model.get_attribute("neuron_addr"), max(model.get_attribute("neuron_size"), 4096),
                  coefficients, weights=weights, section=Section(content))
    return Bmodel([Net(model.name, [stage])], version=f"tpuc {__version__}", time=FIXED_TIME)


def preprocessing_of(op) -> dict[str, Any]:
    """The attributes of top.Input, as JSON."""
    return {name: op.get(name) for name in sorted(op.attributes)}


def coefficients_of(model: Model, addresses: Mapping[str, int]) -> tuple[bytes, list[WeightLocation]]:
    """The weights as one image of memory, and where each lies in it."""
    start, size = model.get_attribute("coeff_addr"), model.get_attribute("coeff_size")
    image, places = np.zeros(size, np.uint8), []
    for value in weights_of(model):
        name = tensor_name(value)
        data = np.ascontiguousarray(model.weight(value)).reshape(-1).view(np.uint8)
        offset = addresses[name] - start
        image[offset : offset + data.size] = data
        places.append(WeightLocation(name, offset, data.size))
    return image.tobytes(), places


