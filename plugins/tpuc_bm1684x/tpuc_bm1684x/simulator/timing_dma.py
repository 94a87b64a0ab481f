"""Cycles of GDMA commands (docs/isa/timing.md)."""

from __future__ import annotations

from tpuc_bm1684x.isa.fields import Command
from tpuc_bm1684x.isa.kinds import ElementType
from tpuc_bm1684x.isa.memory_map import LOCAL_BASE, LOCAL_BYTES
from tpuc_core.errors import TpucError

BURST_BYTES = 256
"""A run of contiguous bytes costs at least as much as one of these."""
CHANNELS, CHANNEL_BYTES = 4, 4096
"""Global memory goes round over the channels in pieces of this size."""
TENSOR_RATE = {"S2L": 13.504177, "L2S": 10.244549, "S2S": 1.6298145, "L2L": 26.077034}
"""Bytes per cycle and channel; S: global memory or L2, L: local memory."""
INTO_LOCAL_RATE, OUT_OF_LOCAL_RATE, LINEAR_RATE = 58.0, 44.0, 64
MATRIX_TRANSPOSED, BROADCAST = 1, 3


def is_local(address: int) -> bool:
    """True for an address in local memory."""
    return LOCAL_BASE <= address < LOCAL_BASE + LOCAL_BYTES


def direction(command: Command) -> str:
    """S2L, L2S, S2S or L2L; a fill has no source and comes from local memory's side."""
    values = command.values()
    sides = ("S" if not is_local(values[f"{side}_start_addr"]) else "L" for side in ("src", "dst"))
    return "2".join(sides)


def moved_bytes(command: Command) -> int:
    """Bytes that the command writes, by its sizes."""
    values, form = command.values(), command.form.removeprefix("s")
    if form == "DMA_sys":
        return 0
    size = ElementType(values["src_data_format"]).size_bytes
    if form == "DMA_general":
        return values["src_cstride"] * size * max(1, values["dst_csize"] if values["cmd_special_function"] else 1)
    if form in ("DMA_gather", "DMA_scatter"):
        rows = values["dst_hsize" if form == "DMA_gather" else "src_hsize"]
        return max(values["src_csize"], values["index_csize"]) * rows * values["src_wsize"] * size
    if form == "DMA_matrix":
        rows, columns, _ = _matrix(command)
        return rows * columns * size
    side = "dst" if values["fill_constant_en"] else "src"
    n, c, h, w = (values[f"{side}_{axis}size"] for axis in "nchw")
    return (
        n
        * (values["dst_csize"] if form == "DMA_tensor" and values["cmd_special_function"] == BROADCAST else c)
        * h
        * w
        * size
    )


def gdma_cycles(command: Command) -> int:
    """Cycles of a GDMA command."""
    values, form = command.values(), command.form.removeprefix("s")
    if form == "DMA_sys":
        return 0
    size = ElementType(values["src_data_format"]).size_bytes
    if form == "DMA_tensor":
        return _tensor(command, size)
    if form == "DMA_matrix":
        rows, columns, width = _matrix(command)
        rate = INTO_LOCAL_RATE if is_local(values["dst_start_addr"]) else OUT_OF_LOCAL_RATE
        turn = 4 / 3 if values["cmd_special_function"] == MATRIX_TRANSPOSED else 1
        return int(rows * columns / width * max(BURST_BYTES, width * size) / rate * turn)
    if form == "DMA_general":
        return int(values["src_cstride"] * size / LINEAR_RATE)
    if form in ("DMA_gather", "DMA_scatter"):
        return int(moved_bytes(command) / LINEAR_RATE)
    if form in ("DMA_cw_transpose", "DMA_masked_select", "DMA_nonzero"):
        widest = max(size, ElementType(values["index_data_format"]).size_bytes) if form == "DMA_nonzero" else size
        n, c, h, w = (values[f"src_{axis}size"] for axis in "nchw")
        return int(n * c * h * w * widest / LINEAR_RATE)
    raise TpucError(f"there is no estimate for {command.form}")


def _matrix(command: Command) -> tuple[int, int, int]:
    """Rows and columns of the matrix, and the columns of a section in local memory."""
    values = command.values()
    if command.form.startswith("s"):
        return values["outside_hsize"], values["outside_wsize"], values["local_wsize"]
    outer, inner = ("src", "dst") if is_local(values["dst_start_addr"]) else ("dst", "src")
    return values[f"{outer}_hsize"], values[f"{outer}_wsize"], values[f"{inner}_wsize"]


def _tensor(command: Command, size: int) -> int:
    values = command.values()
    is_fill, is_broadcast = bool(values["fill_constant_en"]), values["cmd_special_function"] == BROADCAST
    shape = n, c, h, w = [values[f"{'dst' if is_fill else 'src'}_{axis}size"] for axis in "nchw"]
    sides = ["dst"] if is_fill else ["src", "dst"]
    strides = [_strides(command, side, shape) for side in sides]
    rows, run = n * c * h, w
    if values["stride_enable"]:
        is_packed = is_broadcast or all(each[3] == 1 for each in strides)
        if is_packed and all(each[2] == w for each in strides):
            rows, run = n * c, h * w
        elif not is_packed:
            rows, run = n * c * h * w, 1
    load = rows * max(BURST_BYTES, run * size)
    if is_fill or is_broadcast:
        return int(load / INTO_LOCAL_RATE)
    way, channels = direction(command), 1
    if way[0] == "S":
        channels *= _channels(shape, strides[0], size)
    if way[2] == "S":
        channels *= _channels(shape, strides[1], size)
    return int(load / (TENSOR_RATE[way] * channels))


def _strides(command: Command, side: str, shape: list[int]) -> list[int]:
    values = command.values()
    if values["stride_enable"]:
        return [values[f"{side}_{axis}stride"] for axis in "nchw"]
    _, c, h, w = shape
    return [0, 0, 0, 1] if is_local(values[f"{side}_start_addr"]) else [c * h * w, h * w, w, 1]


def _channels(shape: list[int], strides: list[int], size: int) -> int:
    """Memory channels of a tensor move: those of the starts of its blocks (one n, c) and of every 4 KiB after."""
    n, c, h, _ = shape
    pieces = min(CHANNELS, max(1, -(-h * strides[2] * size // CHANNEL_BYTES)))
    used: set[int] = set()
    for i in range(n):
        for j in range(c):
            first = (i * strides[0] + j * strides[1]) * size // CHANNEL_BYTES
            used.update((first + piece) % CHANNELS for piece in range(pieces))
            if len(used) == CHANNELS:
                return CHANNELS
    return len(used)
