"""The machine's file: a magic word, the length of a header, the header as JSON, and constants as float32.

The machine knows no names, only places: tensors lie one behind the other in one memory. A table of names is kept for whoever
wants to see every tensor.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.files import whole_file
from tpuc_core.ir import Model, is_weight, shape_of, tensor_name

MAGIC = b"ABACUS1\n"


@dataclass
class Program:
    """`places`: name -> (address, shape) in elements; `code`: (instruction, address of the result, addresses of operands)."""

    places: dict[str, tuple[int, list[int]]] = field(default_factory=dict)
    code: list[tuple[str, int, list[int]]] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    constants: int = 0
    memory: int = 0
    section: dict[str, Any] = field(default_factory=dict)


def compile_model(model: Model, section: dict[str, Any]) -> tuple[Program, np.ndarray]:
    """The program of a lowered model, and its constants."""
    program, constants = Program(section=section), []

    def place(value: Any) -> int:
        name, shape = tensor_name(value), list(shape_of(value))
        if name not in program.places:
            program.places[name] = (program.memory, shape)
            program.memory += int(np.prod(shape))
        return program.places[name][0]

    weights = [v for op in model.ops() for v in op.operands if is_weight(v)]
    for value in dict.fromkeys(weights):
        place(value)
        constants.append(model.weight(value).astype(np.float32).reshape(-1))
    program.constants = program.memory
    for op in model.inputs:
        place(op.results[0])
    for op in model.ops():
        operands = [place(value) for value in op.operands]
        program.code.append((op.name.removeprefix("abacus."), place(op.results[0]), operands))
    program.inputs = [tensor_name(op.results[0]) for op in model.inputs]
    program.outputs = [tensor_name(value) for value in model.outputs]
    return program, np.concatenate([*constants, np.zeros(0, np.float32)])


def write(path: Path, program: Program, constants: np.ndarray) -> None:
    """The whole file, or none of it."""
    header = json.dumps(asdict(program), sort_keys=True).encode()
    with whole_file(path) as temporary:
        temporary.write_bytes(MAGIC + struct.pack("<I", len(header)) + header + constants.astype("<f4").tobytes())


def read(path: Path) -> tuple[Program, np.ndarray]:
    """Raises TpucError for another kind of file."""
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        raise TpucError(f'"{path}" is no abacus file')
    start = len(MAGIC) + 4
    (size,) = struct.unpack_from("<I", data, len(MAGIC))
    program = Program(**json.loads(data[start : start + size]))
    return program, np.frombuffer(data, "<f4", offset=start + size)
