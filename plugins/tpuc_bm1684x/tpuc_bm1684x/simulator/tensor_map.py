"""Shows tensors of a compiled file by name: its tensor map says after which command, and where, each piece is."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from tpuc_kernels import copy

from tpuc_bm1684x.bmodel.content import NUMPY_TYPES
from tpuc_bm1684x.simulator.execute.operands import LocalTensor
from tpuc_bm1684x.simulator.memory import Memory, Shape
from tpuc_bm1684x.simulator.quantize import dequantized
from tpuc_core.errors import TpucError
from tpuc_core.session import Tensors

Moment = tuple[str, int, int]
"""Engine, group and id of a command."""


@dataclass(frozen=True)
class _Piece:
    tensor: int
    space: str
    address: int
    shape: Shape
    strides: Shape
    offset: Shape


class TensorMap:
    """The pieces of all tensors, by the command after which they are valid (an id of 0: from the start)."""

    def __init__(self, entries: list[dict[str, Any]], memory: Memory):
        self.entries, self.memory = entries, memory
        self.pieces: dict[Moment, list[_Piece]] = defaultdict(list)
        try:
            for number, entry in enumerate(entries):
                for piece in entry["pieces"]:
                    moment = piece["engine"], piece["group"], piece["after"]
                    where = (tuple(piece[key]) for key in ("shape", "strides", "offset"))
                    self.pieces[moment if piece["after"] else ("", 0, 0)].append(
                        _Piece(number, piece["space"], piece["address"], *where)
                    )
            self.dtypes = [np.dtype(NUMPY_TYPES[entry["storage"]]) for entry in entries]
        except (KeyError, TypeError, ValueError) as error:
            raise TpucError(f"the tensor map of the file is damaged: {error!r}") from error

    def start(self) -> Capture:
        """Begins a run; the tensors that are there from the start are taken."""
        capture = Capture(self)
        capture.after("", 0, 0)
        return capture

    def read(self, piece: _Piece) -> np.ndarray:
        """The elements of a piece as they are in memory now."""
        dtype = self.dtypes[piece.tensor]
        if piece.space == "local":
            return LocalTensor(
                self.memory, "a piece of the tensor map", piece.address, piece.shape, piece.strides, dtype
            ).load()
        place = self.memory.place(piece.address)
        array = np.empty(piece.shape, dtype)
        _, c, h, w = piece.shape
        source = copy.Place(place.buffer, place.offset, piece.shape, piece.strides, dtype.itemsize)
        copy.tensor(
            source,
            copy.Place(array.view(np.uint8).reshape(-1), 0, piece.shape, (c * h * w, h * w, w, 1), dtype.itemsize),
        )
        return array


class Capture:
    """The tensors of one run, as they come to be."""

    def __init__(self, tensors: TensorMap):
        self.map = tensors
        self.arrays = [np.zeros(entry["shape4"], dtype) for entry, dtype in zip(tensors.entries, tensors.dtypes)]
        self.missing = [math.prod(entry["shape4"]) for entry in tensors.entries]

    def after(self, engine: str, group: int, cmd_id: int) -> None:
        """Takes the pieces that the command has made."""
        for piece in self.map.pieces.get((engine, group, cmd_id), ()):
            window = tuple(slice(first, first + size) for first, size in zip(piece.offset, piece.shape))
            self.arrays[piece.tensor][window] = self.map.read(piece)
            self.missing[piece.tensor] -= math.prod(piece.shape)

    def tensors(self, dequantize: bool) -> Tensors:
        """All tensors by name, in the order of the map. TpucError if a tensor has not come to be as a whole."""
        found: Tensors = {}
        for entry, array, missing in zip(self.map.entries, self.arrays, self.missing):
            if missing > 0:
                raise TpucError(f'tensor "{entry["name"]}": {missing} of its elements are in no piece that was made')
            array = array.reshape(entry["shape"])
            found[entry["name"]] = (
                dequantized(array, entry["storage"], entry["scale"], entry["zero_point"]) if dequantize else array
            )
        return found
