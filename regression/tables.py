"""The table of models and modes: every model of the zoo, imported, compiled, proven and compared.

    python regression/tables.py [--only NAME ...] [--modes MODE ...] [--vendor SECONDS] [--directory DIR] [--jobs N]

Writes docs/tables.json (what was measured) and docs/tables.md (for reading). Only what is asked for is measured anew. With
--vendor the compiled files also run in the vendor's runtime, each at most so many seconds, the slower modes last: where one takes too
long, those after it are not tried. A verdict stays valid as long as the simulator's outputs stay what they were, to the byte.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

from measure_model import MODES, TOO_LONG, Record, is_imported, measure_import, measure_mode, vendor_verdict
from render_tables import render
from workshop import Workshop
from zoo import Zoo
from zoo_recipes import ALL_RECIPES

DOCS = Path(__file__).resolve().parents[1] / "docs"
FASTEST_THERE = ["INT8 sym", "INT8 asym", "F32", "F16", "BF16"]
"""The modes in the order of the time that the vendor's C model takes."""
OURS = {"resnet8_cifar10", "resnet18", "vww_96"}
"""Models that scripts of this repository derive from others of the zoo: the table has the originals."""


def model_names() -> list[str]:
    """The zoo's models, by kind of file."""
    models = Zoo().catalogue["models"]
    kinds = ["onnx", "tflite", "caffemodel"]
    return sorted(models.keys() - OURS, key=lambda name: (kinds.index(suffix(models[name])), name))


def suffix(entry: dict[str, Any]) -> str:
    return entry["files"][-1].rpartition(".")[2]


class Tables:
    """The records by model, kept in a file that is written after each of them."""

    def __init__(self, path: Path):
        self.path = path
        self.records: dict[str, Record] = json.loads(path.read_text()) if path.is_file() else {}
        self._lock = Lock()

    def put(self, name: str, record: Record) -> None:
        with self._lock:
            self.records[name] = record
            ordered = {name: self.records[name] for name in model_names() if name in self.records}
            self.path.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
            self.path.with_suffix(".md").write_text(render(ordered), encoding="utf-8")


def has_mode(name: str, mode: str) -> bool:
    """Models that are quantized already keep their scales and zero points: INT8 symmetric is none of theirs."""
    return not (ALL_RECIPES[name].is_quantized and mode == "INT8 sym")


def measure(directory: Path, name: str, modes: list[str], vendor_seconds: float | None, old: Record) -> Record:
    """The record of a model; modes that are not asked for keep what `old` has."""
    if name not in ALL_RECIPES:
        return {"import": {"reason": "no recipe says how it is imported"}, "modes": {}}
    workshop = Workshop(directory)
    imported = measure_import(workshop, name)
    if not is_imported(workshop, name):
        return {"import": imported, "modes": {}}
    records, verdict = dict(old.get("modes", {})), ""
    too_long = TOO_LONG.format(vendor_seconds or 0)
    for mode in sorted((mode for mode in modes if has_mode(name, mode)), key=FASTEST_THERE.index):
        before = records.get(mode, {})
        records[mode] = now = measure_mode(workshop, name, mode)
        if "outputs" not in now:
            continue
        if before.get("outputs") == now["outputs"] and before.get("vendor") in ("equal", "differs"):
            now["vendor"] = before["vendor"]
        elif vendor_seconds is not None:
            verdict = verdict if verdict == too_long else vendor_verdict(workshop, name, mode, now, vendor_seconds)
            now["vendor"] = verdict
    return {"import": imported, "modes": {mode: records[mode] for mode in MODES if mode in records}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=model_names(), metavar="NAME", default=model_names())
    parser.add_argument("--modes", nargs="+", choices=list(MODES), metavar="MODE", default=list(MODES))
    parser.add_argument("--vendor", type=float, metavar="SECONDS", help="run the compiled files in the vendor's runtime too")
    parser.add_argument("--directory", type=Path, help="where files go, and stay (default: a temporary one)")
    parser.add_argument("--output", type=Path, default=DOCS / "tables.json")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    given = parser.parse_args()
    tables = Tables(given.output)

    def make(name: str, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        record = measure(directory, name, given.modes, given.vendor, tables.records.get(name, {}))
        tables.put(name, record)
        print(name, {m: r.get("cycles") or r["reason"] for m, r in record["modes"].items()} or record["import"], flush=True)

    with tempfile.TemporaryDirectory(prefix="tpuc-tables-") as temporary, ThreadPoolExecutor(given.jobs) as pool:
        root = (given.directory or Path(temporary)).resolve()
        list(pool.map(lambda name: make(name, root / name), given.only))


if __name__ == "__main__":
    main()
