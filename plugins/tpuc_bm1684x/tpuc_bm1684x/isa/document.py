"""Writes docs/isa out of the declarations.

python -m tpuc_bm1684x.isa.document docs/isa            writes the pages
python -m tpuc_bm1684x.isa.document docs/isa --check    exits with 1 where a page is not what the declarations say
"""

from __future__ import annotations

import sys
from enum import IntEnum
from pathlib import Path

from tpuc_bm1684x.isa import kinds, memory_map
from tpuc_bm1684x.isa.fields import Command, Field
from tpuc_bm1684x.isa.stream import ALL_FORMS, FORM_BY_NAME

SEMANTICS = Path(__file__).with_name("semantics")
GENERATED = "<!-- made by `python -m tpuc_bm1684x.isa.document docs/isa` from the declarations: change those -->\n"
HEADER_FIELDS = {
    "cmd_short",
    "cmd_id",
    "cmd_id_dep",
    "cmd_id_en",
    "tsk_typ",
    "tsk_eu_typ",
    "pwr_step",
    "intr_en",
    "cmd_type",
    "cmd_special_function",
    "stride_enable",
    "nchw_copy",
    "decompress_enable",
    "fill_constant_en",
}


def family(form: type[Command]) -> str:
    """The page that a form is on: its long form's name."""
    return form.form.removeprefix("s")


def pages() -> dict[str, str]:
    """File name -> text of every page."""
    families: dict[str, list[type[Command]]] = {}
    for form in ALL_FORMS:
        families.setdefault(family(form), []).append(form)
    made = {f"{name}.md": _family_page(name, forms) for name, forms in families.items()}
    timing = GENERATED + (SEMANTICS / "timing.md").read_text()
    return {"index.md": _index(families), "memory.md": _memory(), "streams.md": _streams(), "timing.md": timing, **made}


def _table(head: list[str], rows: list[list[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


def _index(families: dict[str, list[type[Command]]]) -> str:
    def part(engine: str) -> str:
        rows = [
            [
                f"[{name}]({name}.md)",
                forms[0].opcode,
                (forms[0].__doc__ or "").split(".")[0],
                ", ".join(f"{form.form} ({form.size_bytes})" for form in forms),
            ]
            for name, forms in families.items()
            if forms[0].engine == engine
        ]
        return _table(["command", "opcode", "what", "forms (bytes)"], sorted(rows, key=lambda row: (row[1], row[0])))

    types = _table(["number", "type", "bytes"], [[t.value, t.name.lower(), t.size_bytes] for t in kinds.ElementType])
    enums = "".join(
        f"{kind.__name__}: {', '.join(f'{m.value} {m.name.lower()}' for m in kind)}.\n\n"
        for kind in (kinds.Layout, kinds.PadMode, kinds.Rounding)
    )
    return (
        f"{GENERATED}# Instruction set of the BM1684X\n\nThe TIU computes on [local memory](memory.md), "
        f"the GDMA moves tensors between memories. Each runs a [stream](streams.md) of commands; "
        f"[timing](timing.md) says what they cost.\n\n## TIU\n\n{part('tiu')}\n## GDMA\n\n{part('gdma')}\n"
        f"## Numbers in fields\n\n{types}\n{enums}"
    )


def _family_page(name: str, forms: list[type[Command]]) -> str:
    first = forms[0]
    which = "tsk_eu_typ" if first.engine == "tiu" else "cmd_special_function"
    operations = ", ".join(f"{number} {text}" for number, text in first.operations.items())
    text = [
        GENERATED,
        f"# {name}: {(first.__doc__ or '').split('.')[0]}\n\n{first.engine.upper()}, opcode {first.opcode}. ",
        f"Operations (`{which}`): {operations}.\n\n" if operations else "\n\n",
        (SEMANTICS / f"{name}.md").read_text(),
        "\n",
    ]
    text += [
        f"## {form.form}, {form.size_bytes} bytes\n\n{_fields(form)}\n" for form in sorted(forms, key=lambda f: f.form)
    ]
    return "".join(text).rstrip() + "\n"


def _fields(form: type[Command]) -> str:
    rows = [
        [f"`{name}`", field.position, field.width, _kind(form, field), field.doc]
        for name, field in form.fields.items()
        if name not in HEADER_FIELDS
    ]
    header = ", ".join(
        f"`{name}` {field.position}+{field.width}" for name, field in form.fields.items() if name in HEADER_FIELDS
    )
    return f"Header (first bit + width): {header}.\n\n{_table(['field', 'first bit', 'bits', 'kind', ''], rows)}"


def _kind(form: type[Command], field: Field) -> str:
    if field.name in form.fixed:
        return f"always {form.fixed[field.name]}"
    if isinstance(field.kind, type) and issubclass(field.kind, IntEnum):
        return field.kind.__name__
    return field.kind.value


def _memory() -> str:
    rows = [
        [
            region.name,
            f"{region.base:#x}",
            "as needed" if region.size_bytes is None else f"{region.size_bytes:#x}",
            region.purpose,
        ]
        for region in memory_map.REGIONS
    ]
    return f"""{GENERATED}# Memories

{_table(["memory", "first address", "bytes", "what"], rows)}
TIU commands take local addresses as lane * {memory_map.LANE_BYTES:#x} + offset and look at their low 24 bits only.
A lane has {memory_map.BANKS} banks of {memory_map.BANK_BYTES:#x} bytes.

## Layouts of a tensor [n, c, h, w] in local memory

Channel c lies in lane (start lane + c) % {memory_map.LANES}, slot (start lane + c) // {memory_map.LANES}, at
`offset + size * (n * n stride + slot * c stride + h * h stride + w * w stride)`.

| layout | h stride | c stride (from slot to slot) | n stride |
| --- | --- | --- | --- |
| aligned | w | h * w, rounded up to {memory_map.EU_BYTES} bytes | slots * c stride |
| compact | w | h * w | slots * c stride |
| line-aligned | w, rounded up to {memory_map.EU_BYTES} bytes | h * h stride | slots * c stride |
| strided | as the fields say, in elements | | |

slots = (start lane + c) / {memory_map.LANES}, rounded up. A tensor that leaves its lanes is an error in the simulator.
"""


def _streams() -> str:
    return f"""{GENERATED}# Streams

A command group has one stream for each engine; both run at the same time, and the next group starts when both have
ended. Commands of a stream run in order and are numbered 1, 2, 3, ... (`cmd_id`). `cmd_id_dep` is the number of the
other engine's command that must have ended before this one starts (0: none). A wait that is never met hangs the chip;
the simulator reports a deadlock.

| | TIU | GDMA |
| --- | --- | --- |
| length of a command | that of its form | 96 bytes; the closing one {FORM_BY_NAME["sDMA_sys"].size_bytes} |
| closing command | SYSID `end`, `cmd_id_en` 0 | sDMA_sys, function 0 |
| padding | zeros to a multiple of 128 bytes | the same |

Addresses of global memory in GDMA commands are as compiled; the loader moves them.
"""


def main(folder: str, *options: str) -> int:
    """Writes or checks the pages; 1 if a checked page is missing or stale."""
    root = Path(folder)
    made = pages()
    stale = [name for name, text in made.items() if not (root / name).exists() or (root / name).read_text() != text]
    if "--check" in options:
        print(
            "\n".join(f"{root / name} is not what the declarations say" for name in stale)
            or f"{len(made)} pages are fresh"
        )
        return int(bool(stale))
    root.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (root / name).write_text(made[name])
    print(f"{len(made)} pages in {root}, {len(stale)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
