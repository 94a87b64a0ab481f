"""docs/tables.md out of the records of docs/tables.json."""

from __future__ import annotations

from typing import Any

from measure_model import MODES, Record
from tabulate import tabulate

HEAD = """# Models and modes

Every model of the zoo (`make zoo`), imported and compared with its own engine tensor by tensor, then compiled in every mode; made by
`make tables` (`python regression/tables.py`). Models that are quantized already keep their scales and zero points in INT8, and are in no table of INT8 sym; in the
float modes their weights and tensors are real numbers.

* **equal**: tensors that interpreter and simulator compute with the same bits, of all tensors of the compiled file.
* **vendor**: the outputs of the vendor's runtime on its C model, byte for byte against those of the simulator; what takes it longer than `--vendor` seconds
  is not waited for, and the modes in which the model takes it longer still are not tried.
* **outputs**, **all tensors**: similarity to the float model, the least cosine and the least euclidean one of the outputs and of all tensors, on one test input: a photo,
  or random values where the model is not one of images. Euclidean similarity is 1 - |a - b| / |(a + b) / 2|; a tensor that is nearly zero everywhere may have any.
* **cycles**: estimated, see [isa](isa/index.md). **fall-backs**: ops that run in another precision than the mode's.

"""


def render(records: dict[str, Record]) -> str:
    """The page as Markdown."""
    parts = [HEAD, "## Counts\n\n", counts(records), "\n\n## Import\n\n", imports(records)]
    for mode in MODES:
        parts += [f"\n\n## {mode}\n\n", mode_table(records, mode)]
    return "".join(parts) + "\n"


def counts(records: dict[str, Record]) -> str:
    """How many models get how far."""
    rows: list[list[Any]] = []
    for mode in MODES:
        of_mode = [record["modes"][mode] for record in records.values() if mode in record["modes"]]
        compiled = [r for r in of_mode if "cycles" in r]
        proven = [r for r in compiled if r["equal"] == r["tensors"]]
        verdicts = [r.get("vendor", "not run") for r in compiled]
        rows.append([mode, len(compiled), len(proven), verdicts.count("equal"), verdicts.count("differs")])
    imported = [record["import"] for record in records.values() if "tensors" in record["import"]]
    head = f"{len(records)} models; {len(imported)} imported, {sum(r['equal'] for r in imported)} equal to their engines in every tensor.\n\n"
    return head + github(rows, ["mode", "compiled", "interpreter = simulator", "vendor = simulator", "vendor differs"])


def imports(records: dict[str, Record]) -> str:
    rows = []
    for name, record in records.items():
        made = record["import"]
        verdict = "" if "tensors" not in made else "equal" if made["equal"] else "differs"
        rows.append([name, made.get("engine", ""), made.get("tensors", ""), verdict, made.get("reason", "")])
    return github(rows, ["model", "engine", "tensors", "", "reason"])


def mode_table(records: dict[str, Record], mode: str) -> str:
    rows = [[name, *cells(record["modes"][mode], mode)] for name, record in records.items() if mode in record["modes"]]
    return github(rows, ["model", "equal", "vendor", "outputs", "all tensors", "cycles", "fall-backs", "reason"])


def cells(record: Record, mode: str) -> list[str]:
    if "cycles" not in record:
        return ["", "", "", "", "", "", record["reason"].replace("|", "/")]
    others = {precision: n for precision, n in record["plan"].items() if precision != mode.split()[0]}
    return [
        f"{record['equal']} of {record['tensors']}",
        record.get("vendor", "not run"),
        *("" if pair is None else f"{pair[0]:.3f}, {pair[1]:.3f}" for pair in (record["outputs' similarity"], record["similarity"])),
        f"{record['cycles']:,}",
        ", ".join(f"{n} in {precision}" for precision, n in others.items()) or "none",
        "",
    ]


def github(rows: list[list[Any]], headers: list[str]) -> str:
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)
