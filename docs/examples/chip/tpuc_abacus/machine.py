"""Executes a file: knows addresses only, so that a wrong one shows as a tensor that differs from the interpreter's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tpuc_abacus import arithmetic
from tpuc_abacus.program import read
from tpuc_core.session import TensorInfo, Tensors


class Machine:
    """See tpuc_core.session.Session."""

    def __init__(self, path: Path):
        self.program, self.constants = read(path)
        self.shapes = {address: tuple(shape) for address, shape in self.program.places.values()}
        self.inputs = [self._info(name) for name in self.program.inputs]
        self.outputs = [self._info(name) for name in self.program.outputs]

    def run(self, inputs: Tensors, *, all_tensors: bool = False, dequantize: bool = True) -> Tensors:
        memory = np.zeros(self.program.memory, np.float32)
        memory[: self.constants.size] = self.constants
        for info in self.inputs:
            self._view(memory, self.program.places[info.name][0])[...] = inputs[info.name]
        for instruction, result, addresses in self.program.code:
            operands = [self._view(memory, address) for address in addresses]
            out = self._view(memory, result)
            match instruction:
                case "Dense":
                    out[...] = arithmetic.dense(*operands)
                case "Relu":
                    out[...] = arithmetic.relu(*operands)
                case "Add":
                    out[...] = arithmetic.add(*operands)
                case "Reshape":
                    out[...] = operands[0].reshape(out.shape)
        names = self._computed() if all_tensors else self.program.outputs
        return {name: self._view(memory, self.program.places[name][0]).copy() for name in names}

    def run_many(self, batches: Iterable[Tensors]) -> Iterator[Tensors]:
        return map(self.run, batches)

    def _computed(self) -> list[str]:
        return [name for name, (address, _) in self.program.places.items() if address >= self.program.constants]

    def _info(self, name: str) -> TensorInfo:
        return TensorInfo(name, tuple(self.program.places[name][1]))

    def _view(self, memory: np.ndarray, address: int) -> np.ndarray:
        shape = self.shapes[address]
        return memory[address : address + int(np.prod(shape))].reshape(shape)
