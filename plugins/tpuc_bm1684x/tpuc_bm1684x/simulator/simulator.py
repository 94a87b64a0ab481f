"""Runs a bmodel's commands on the chip's memories, bit for bit.

simulator = Simulator("resnet18.bmodel")
outputs = simulator.run({"input": image})              # by name, dequantized
print(simulator.profile().table())
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tpuc_bm1684x.bmodel import Stage, Tensor, read_bmodel
from tpuc_bm1684x.bmodel.host import host_part_of
from tpuc_bm1684x.isa.memory_map import GLOBAL_BASE
from tpuc_bm1684x.simulator.decode import Entry, Group, decode_stage
from tpuc_bm1684x.simulator.execute import bind
from tpuc_bm1684x.simulator.execute.binding import Step
from tpuc_bm1684x.simulator.memory import Memory
from tpuc_bm1684x.simulator.profile import Profile
from tpuc_bm1684x.simulator.quantize import dequantized, stored
from tpuc_bm1684x.simulator.tensor_map import TensorMap
from tpuc_core.errors import TpucError, unknown
from tpuc_core.session import TensorInfo, Tensors

MOST_GLOBAL_BYTES = 16 << 30
"""DDR of the largest boards."""


class Simulator:
    """An open bmodel, with the interface of `tpuc_core.session.Session`.

    source: a path or a file's bytes; net: its name, where the file holds several; stage: which of the net's sets of
    input shapes. Everything is decoded, checked and bound here, once; TpucError says what cannot be simulated.
    """

    def __init__(self, source: str | Path | bytes, *, net: str | None = None, stage: int = 0):
        self.model = read_bmodel(source)
        nets = {each.name: each for each in self.model.nets}
        if not nets:
            raise TpucError("the bmodel holds no net")
        if net is not None and net not in nets:
            raise unknown("net", net, nets)
        self.net = nets[net] if net is not None else self.model.nets[0]
        if not 0 <= stage < len(self.net.stages):
            raise TpucError(f'net "{self.net.name}" has {len(self.net.stages)} stages; there is no stage {stage}')
        self.stage: Stage = self.net.stages[stage]
        self.memory = Memory(_global_bytes(self.stage))
        self.groups: list[Group] = decode_stage(self.stage)
        self.inputs = [tensor_info(tensor, is_input=True) for tensor in self.stage.inputs]
        self.host = host_part_of(self.stage)
        self.outputs = [tensor_info(tensor, is_input=False) for tensor in self.stage.outputs]
        if self.host is not None:
            self.outputs = self.host.ends(self.outputs)
        self._load_coefficients()
        self._entries = [entry for group in self.groups for entry in group.in_order()]
        self._steps = [_bound(entry, self.memory) for entry in self._entries]

    def run(self, inputs: Tensors, *, all_tensors: bool = False, dequantize: bool = True) -> Tensors:
        """The outputs by name; with `all_tensors` every tensor of the file's tensor map, in order of computation.

        inputs: by name, real values (float) or stored values of the input's dtype. Quantized tensors come back as
        float32 (`dequantize`) or in their stored type. TpucError for missing or foreign names, shapes and types.
        """
        self._write_inputs(inputs)
        found: Tensors = self._run_all(dequantize) if all_tensors else {}
        ends: Tensors = {}
        if not all_tensors:
            for step in self._steps:
                step()
        for tensor in self.stage.outputs:
            raw = self.memory.global_view(tensor.address, tensor.shape, tensor.numpy_dtype).copy()
            ends[tensor.name] = dequantized(raw, tensor.dtype, tensor.scale, tensor.zero_point) if dequantize else raw
        if self.host is None:
            return found | ends
        ends |= self.host.run(ends)
        return found | (ends if all_tensors else {name: ends[name] for name in self.host.outputs})

    def run_many(self, batches: Iterable[Tensors]) -> Iterator[Tensors]:
        """The outputs for each of the inputs."""
        for inputs in batches:
            yield self.run(inputs)

    def profile(self) -> Profile:
        """Cycles and bytes of every command, as the vendor's compiler estimates them."""
        return Profile.of(self.groups)

    @property
    def notes(self) -> list[str]:
        """What a user should know about the file: which of its ops the chip does not compute."""
        if self.host is None:
            return []
        given = ", ".join(tensor.name for tensor in self.stage.outputs)
        return [f'"{op.name}" ({op.kind}) is computed behind the chip, which gives {given}' for op in self.host.ops]

    @cached_property
    def preprocessing(self) -> dict[str, Any] | None:
        """What the file says about how images become the first input that takes them: attributes of top.Input."""
        section = self.stage.section
        found = section.content.get("preprocessing", {}).values() if section is not None else []
        return next((attributes for attributes in found if "pixel_format" in attributes), None)

    @cached_property
    def tensor_map(self) -> TensorMap:
        """Where the file's tensors come to be; TpucError if the file does not say."""
        section = self.stage.section
        if section is None or "tensors" not in section.content:
            raise TpucError("this bmodel has no tensor map (tpuc did not write it): only its outputs can be shown")
        return TensorMap(section.content["tensors"], self.memory)

    def _run_all(self, dequantize: bool) -> Tensors:
        capture = self.tensor_map.start()
        for entry, step in zip(self._entries, self._steps):
            step()
            capture.after(entry.engine, entry.group, entry.cmd_id)
        return capture.tensors(dequantize)

    def _load_coefficients(self) -> None:
        data = np.frombuffer(self.stage.coefficients, np.uint8)
        start = self.stage.coefficient_address - GLOBAL_BASE
        self.memory.global_memory[start : start + data.size] = data

    def _write_inputs(self, inputs: Tensors) -> None:
        known = {info.name for info in self.inputs}
        for name in inputs:
            if name not in known:
                raise unknown("input", name, known)
        for tensor, info in zip(self.stage.inputs, self.inputs):
            if info.name not in inputs:
                raise TpucError(f'input "{info.name}" {list(info.shape)} is missing')
            value = stored(np.asarray(inputs[info.name]), tensor)
            self.memory.global_view(tensor.address, tensor.shape, tensor.numpy_dtype)[...] = value


def tensor_info(tensor: Tensor, is_input: bool) -> TensorInfo:
    """The end of a net as users see it: real = (stored - zero_point) * scale, on both sides."""
    dtype = "bfloat16" if tensor.dtype == "bf16" else tensor.numpy_dtype.name
    scale = 1.0 / tensor.scale if is_input and tensor.scale else tensor.scale
    return TensorInfo(tensor.name, tensor.shape, dtype, scale, tensor.zero_point)


def _global_bytes(stage: Stage) -> int:
    """The global memory that the stage's coefficients, neurons and ends take. TpucError for one that no chip has."""
    ranges = [
        (stage.ctx_address, stage.ctx_size),
        (stage.io_address, stage.io_size),
        (stage.coefficient_address, len(stage.coefficients)),
        *((tensor.address, tensor.size_bytes) for tensor in (*stage.inputs, *stage.outputs)),
    ]
    used = [(first, size) for first, size in ranges if size]
    for first, size in used:
        if first < GLOBAL_BASE or first + size > GLOBAL_BASE + MOST_GLOBAL_BYTES:
            raise TpucError(f"the bmodel uses {size} bytes at {first:#x}, which lie outside the chip's global memory")
    return max((first + size for first, size in used), default=GLOBAL_BASE) - GLOBAL_BASE


def _bound(entry: Entry, memory: Memory) -> Step:
    try:
        return bind(entry.command, memory, entry.lane_mask)
    except TpucError as error:
        raise TpucError(f"{entry}: {error}") from error
