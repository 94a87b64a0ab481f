"""Commands as text: one line each, only what differs from the form's defaults."""

from __future__ import annotations

from collections.abc import Iterator

from tpuc_bm1684x.isa.fields import Command
from tpuc_bm1684x.isa.stream import Engine, walk

HIDDEN = {"cmd_short", "cmd_id", "cmd_id_dep", "cmd_id_en", "cmd_type", "cmd_special_function", "tsk_typ", "tsk_eu_typ"}


def format_command(command: Command) -> str:
    """`12 (waits 7) sCONV conv res0_prec=i32 ...`: id, awaited id, form, operation, fields not 0."""
    values, fields = command.values(), command.fields
    shown = [
        f"{name}={fields[name].text(value)}"
        for name, value in values.items()
        if name not in HIDDEN and value != fields[name].default
    ]
    wait = f" (waits {values['cmd_id_dep']})" if values.get("cmd_id_dep") else ""
    return " ".join([f"{values.get('cmd_id', 0)}{wait}", command.form, command.operation, *shown])


def disassemble(engine: Engine, stream: bytes | memoryview, count: int | None = None) -> Iterator[str]:
    """A line for each command of a stream, the closing one with them."""
    for _, form, data in walk(engine, stream, count):
        yield format_command(form.decode(data))
