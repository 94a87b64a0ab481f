"""Command streams: which form starts at a byte, walking, the closing commands, padding (docs/isa/streams.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from tpuc_bm1684x.isa import dma, tiu, tiu_short
from tpuc_bm1684x.isa.fields import Command
from tpuc_core.errors import TpucError

Engine = Literal["tiu", "gdma"]
STREAM_ALIGN_BYTES = 128
GDMA_STEP_BYTES = 96
"""Length of every GDMA command of a stream but the closing one, whatever its form."""
LINE_OPERATIONS = range(17, 20)
MM2_OPERATIONS = range(4, 7)


def _forms(module) -> list[type[Command]]:
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Command) and value.size_bytes
    ]


TIU_FORMS: tuple[type[Command], ...] = tuple(_forms(tiu) + [f for f in _forms(tiu_short) if f not in _forms(tiu)])
GDMA_FORMS: tuple[type[Command], ...] = tuple(_forms(dma))
ALL_FORMS = TIU_FORMS + GDMA_FORMS
FORM_BY_NAME = {form.form: form for form in ALL_FORMS}


def _tiu_keys(form: type[Command]) -> Iterator[tuple[int, int, int]]:
    shorts = (0, 1) if form in (tiu.System, tiu.LinearArithmetic) else (form.fixed["cmd_short"],)
    lines, second = form.form.endswith("SGL"), form.form.endswith("MM2")
    for short in shorts:
        for operation in range(32):
            if form.opcode == 6 and (operation in LINE_OPERATIONS) != lines:
                continue
            if form.opcode == 2 and (operation > 3) != second:
                continue
            if form.form == "sAR" and operation in (24, 25):  # forms of 16 bytes that nobody has described
                continue
            yield short, form.opcode, operation


_TIU_BY_KEY = {key: form for form in TIU_FORMS for key in _tiu_keys(form)}
_GDMA_BY_KEY = {(form.fixed["cmd_short"], form.opcode): form for form in GDMA_FORMS}
_GDMA_BY_KEY[0, 6] = dma.DmaSystem


def form_at(engine: Engine, data: bytes | memoryview) -> type[Command]:
    """The form of the command that the bytes start with. TpucError for an unknown opcode."""
    word = int.from_bytes(data[:8], "little")
    if engine == "tiu":
        key = (word & 1, word >> 41 & 15, word >> 45 & 31)
        form = _TIU_BY_KEY.get(key)
        if form is None:
            raise TpucError(
                f"{'short' if key[0] else 'long'} tiu command with opcode {key[1]}, operation {key[2]} is unknown"
            )
        return form
    form = _GDMA_BY_KEY.get((word >> 3 & 1, word >> 32 & 15))
    if form is None:
        raise TpucError(f"gdma command with opcode {word >> 32 & 15} is unknown")
    return form


def is_end(form: type[Command], data: bytes | memoryview) -> bool:
    """True for the command that closes a stream."""
    word = int.from_bytes(data[:8], "little")
    if form is tiu.System:
        return word >> 45 & 31 == 31
    return form is dma.DmaSystem and word >> 36 & 7 == 0


def walk(
    engine: Engine, stream: bytes | memoryview, count: int | None = None
) -> Iterator[tuple[int, type[Command], memoryview]]:
    """(byte offset, form, bytes) of each command up to and with the closing one, or of the first `count`.

    TpucError names the command, counted from 1, that is unknown or cut, or a stream without a closing command.
    """
    view, position, index = memoryview(stream), 0, 0
    while count is None or index < count:
        index += 1
        if position + 16 > len(view):
            raise TpucError(f"{engine} stream of {len(view)} bytes ends before its closing command (command {index})")
        try:
            form = form_at(engine, view[position : position + 8])
        except TpucError as error:
            raise TpucError(f"command {index} at byte {position} of the {engine} stream: {error}") from error
        if form.size_bytes > len(view) - position:
            raise TpucError(f"command {index} at byte {position} of the {engine} stream is cut off")
        data = view[position : position + form.size_bytes]
        yield position, form, data
        if is_end(form, data):
            return
        position += GDMA_STEP_BYTES if engine == "gdma" and form is not dma.DmaSystem else form.size_bytes


def decode_stream(engine: Engine, stream: bytes | memoryview, count: int | None = None) -> list[Command]:
    """The commands of a stream, the closing one with them."""
    return [form.decode(data) for _, form, data in walk(engine, stream, count)]


def end_command(engine: Engine, cmd_id: int) -> bytes:
    """The closing command; cmd_id is that of the last command plus 1."""
    if engine == "tiu":
        return tiu.System.encode(tsk_eu_typ=31, cmd_id=cmd_id, cmd_id_en=0)
    return dma.DmaSystem.encode(cmd_id=cmd_id)


def join_stream(engine: Engine, commands: Iterable[bytes]) -> bytes:
    """A whole stream of encoded commands with ids 1, 2, ...: closed, and padded with zeros to 128 bytes."""
    listed = list(commands)
    data = b"".join([*listed, end_command(engine, len(listed) + 1)])
    return data + bytes(-len(data) % STREAM_ALIGN_BYTES)
