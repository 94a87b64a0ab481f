"""Accuracy of compiled files: top-1 and top-5 on the zoo's 1,000 labelled images, every mode beside float.

    python regression/accuracy.py [--modes F16 BF16] [--models NAME] [--count N] [--directory DIR] [--write]

Each model is imported, calibrated where a mode needs it on 100 of the images (the same for each: no others exist), and compiled by
public commands; float is measured on the .mlir, every other mode on the .bmodel in the simulator. --write adds what was measured to
docs/accuracy.json, beside what is there, and renders docs/accuracy.md out of that.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate
from vendor_tools import VendorTools
from workshop import Missing, Workshop
from zoo_recipes import ALL_RECIPES

PREQUANTIZED = ["mobilenet_v2_quant_uint8", "mobilenet_v2_ptq_int8", "efficientnet_lite0_int8"]
MODELS = ["efficientnet_lite0", "mobilenet_v2_dequant", *PREQUANTIZED]
CALIBRATION = 100
SEARCH = 40
"""Of these images, for choosing the ops of the mixed mode."""
TUNING = 20
"""Of these images, for refining the thresholds."""
MIXED_COSINE = 0.99987  # of the outputs of the mixed model to float's
DOCS = Path(__file__).resolve().parents[1] / "docs"
RESULTS, REPORT = DOCS / "accuracy.json", DOCS / "accuracy.md"
HEADERS = ["", "mode", "top-1", "to float", "top-5", "to float", "cycles", "to INT8"]
TEXT = """# Accuracy of compiled files

Top-1 and top-5 in percent on {count:,} labelled images of ImageNet (one of each class; `make zoo`). Float is the imported
`.mlir`; every other mode is the **`.bmodel`** in the simulator, which computes what the chip computes. INT8 is calibrated on
{calibration} of the same images (`tpuc calibrate --input_num {calibration}`, default seed and method): the zoo has no others. Tuned: thresholds refined on {tuning} of
them (`--tune {tuning}`). The vendor's INT8 is what its own tools make of the same model with the same {calibration} images, measured in the same simulator, which executes their files byte for byte. Mixed
is INT8 and F16, the ops chosen on {search} of those images without their labels (`tpuc search --mode_high F16 --target_cos {cosine}`): the
cheapest choice in cycles of that similarity to float.

Models that are quantized already (TFLite) are measured as they are: in their own engine, LiteRT with its reference kernels, beside which the difference is given, and
as .bmodel with the scales and zero points of the file.

Made by `python regression/accuracy.py --write`; `--modes` measures some of them again and keeps the rest.

{table}

In the same way, by `tpuc eval imagenet`, any model file on any labelled folder.
"""

Measured = dict[str, int]
"""Of `images` pictures, how many have their class first (`top1`) and among the first five (`top5`); `cycles` of the compiled file,
where they were asked for."""
Results = dict[str, dict[str, Measured]]
"""By model and mode."""


@dataclass(frozen=True)
class Mode:
    """`options` are words for `tpuc deploy`; float has none, since nothing is compiled. `is_vendors`: made by the vendor's tools. `search`:
    words for `tpuc search`, whose table then says which ops run in another mode. `is_engine`: the model's own engine. `tune`: words for
    `tpuc calibrate`."""

    name: str
    options: str = ""
    is_calibrated: bool = False
    is_vendors: bool = False
    search: str = ""
    is_engine: bool = False
    tune: str = ""


MODES = {mode.name: mode for mode in (
    Mode("float"),
    Mode("F16", "--quantize F16"),
    Mode("BF16", "--quantize BF16"),
    Mode("INT8", "--quantize INT8", is_calibrated=True),
    Mode("INT8 asymmetric", "--quantize INT8 --asymmetric", is_calibrated=True),
    Mode("INT8, tuned", "--quantize INT8", is_calibrated=True, tune=f"--tune {TUNING}"),
    Mode("vendor's INT8", is_calibrated=True, is_vendors=True),
    Mode("vendor's INT8 asymmetric", "--asymmetric", is_calibrated=True, is_vendors=True),
    Mode("mixed", "--quantize INT8", is_calibrated=True, search=f"--mode_high F16 --target_cos {MIXED_COSINE} --sensitivity_num 4 --measure_num 7"),
    Mode("LiteRT", is_engine=True),
    Mode("pre-quantized INT8", "--quantize INT8"),
)}
PREQUANTIZED_MODES = ["LiteRT", "pre-quantized INT8"]


def has_mode(name: str, mode: str) -> bool:
    """Whether a model is measured in a mode: those that are quantized already have their own."""
    return (name in PREQUANTIZED) == (mode in PREQUANTIZED_MODES)


def compiled(workshop: Workshop, name: str, mode: Mode, labelled: Path) -> str:
    """The file to measure: the .mlir in float, else a .bmodel."""
    workshop.transform(name)
    if mode.is_vendors:
        return VendorTools(workshop, name).int8(labelled, CALIBRATION, is_asymmetric=bool(mode.options))
    if mode.is_engine:
        return str(workshop.source(name))
    if not mode.options:
        return f"{name}.mlir"
    words, table = mode.options, f"{name}_cali_table_{CALIBRATION}{'_tuned' if mode.tune else ''}"
    if mode.is_calibrated:
        workshop.once(f"tpuc calibrate {name}.mlir --dataset {labelled} --input_num {CALIBRATION} {mode.tune} -o {table}")
        words += f" --calibration_table {table}"
    if mode.search:
        words += f" --quantize_table {name}_qtable"
        samples = f"--dataset {labelled} --input_num {SEARCH}"
        workshop.once(f"tpuc search {name}.mlir --calibration_table {table} {samples} {mode.search} -o {name}_qtable")
    file = f"{name}_{mode.name.lower().replace(' ', '_').replace(',', '')}_measured.bmodel"
    workshop.once(f"tpuc deploy --mlir {name}.mlir --chip bm1684x {words} --skip_validation --model {file}")
    return file


def measure(workshop: Workshop, name: str, model: str, labelled: Path, count: int) -> Measured:
    """`model` is a file of the network `name`; `count` of 0 stands for all images."""
    words = f"--mlir {name}.mlir --dataset {labelled} --class_offset {ALL_RECIPES[name].class_offset} --format json"
    printed = workshop.once(f"tpuc eval imagenet --model {model} {words}" + (f" --count {count}" if count else ""))
    result = json.loads(printed.strip().splitlines()[-1])
    measured = {key: result[key] for key in ("images", "top1", "top5")}
    is_ours = model.endswith(".bmodel") and not model.startswith("vendor/")  # theirs are compiled without a search for cycles
    return measured | {"cycles": cycles_of(workshop, model)} if is_ours else measured


def cycles_of(workshop: Workshop, model: str) -> int:
    """Simulated cycles of a compiled file."""
    printed = workshop.run(f"tpuc run --model {model} --input random:0 --output profiled.npz --profile")
    found = re.search(r"([\d,]+) cycles", printed)
    assert found, printed
    return int(found[1].replace(",", ""))


def rows(results: Results) -> list[list[str]]:
    """A row for each model and mode that was measured, in the order of MODELS and MODES."""
    found = []
    for name in MODELS:
        measured = results.get(name, {})
        for mode in MODES:
            if mode in measured:
                found.append([name, mode, *percents(measured[mode], measured.get("float") or measured.get("LiteRT")), *cycles(measured[mode], measured.get("INT8"))])
    return found


def percents(of: Measured, to: Measured | None) -> list[str]:
    """Top-1 and top-5 in percent, each with its difference to float."""
    columns = []
    for key in ("top1", "top5"):
        share = 100 * of[key] / of["images"]
        is_comparable = to is not None and to is not of and to["images"] == of["images"]
        columns += [f"{share:.1f}", f"{share - 100 * to[key] / to['images']:+.1f}" if to and is_comparable else ""]
    return columns


def cycles(of: Measured, to: Measured | None) -> list[str]:
    """Simulated cycles, and how many times those of INT8 they are."""
    if "cycles" not in of:
        return ["", ""]
    return [f"{of['cycles']:,}", f"{of['cycles'] / to['cycles']:.2f}" if to and "cycles" in to else ""]


def table(results: Results, form: str = "simple") -> str:
    """All rows as text."""
    align = ["left", "left", *["right"] * 6]
    return tabulate(rows(results), HEADERS, tablefmt=form, disable_numparse=True, colalign=align)


def document(results: Results) -> str:
    """The text of docs/accuracy.md."""
    images = max(measured["images"] for modes in results.values() for measured in modes.values())
    return TEXT.format(count=images, calibration=CALIBRATION, tuning=TUNING, search=SEARCH, cosine=MIXED_COSINE, table=table(results, "github"))


def merged(old: Results, new: Mapping[str, Mapping[str, Measured]]) -> Results:
    """What is there, with what was measured now in its place."""
    return {name: {**old.get(name, {}), **new.get(name, {})} for name in dict.fromkeys([*old, *new])}


def labelled_images(workshop: Workshop) -> Path:
    """The folder with a folder for each class. Raises Missing."""
    return workshop.pictures("imagenet1k_256").with_name("imagenet1k_val")


def measure_all(workshop: Workshop, given: argparse.Namespace) -> Results:
    """The models and modes that are asked for. Raises Missing."""
    labelled, results = labelled_images(workshop), {}
    for name in given.models:
        for mode in (mode for mode in given.modes if has_mode(name, mode)):
            file = compiled(workshop, name, MODES[mode], labelled)
            results.setdefault(name, {})[mode] = measure(workshop, name, file, labelled, given.count)
            print(name, mode, results[name][mode], flush=True)
    return results


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--count", type=int, default=0, help="measure on so many images (default: all)")
    parser.add_argument("--directory", type=Path, help="where files go, and stay (default: a temporary one)")
    parser.add_argument("--write", action="store_true", help="write docs/accuracy.json and docs/accuracy.md")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="tpuc-accuracy-") as temporary:
        directory = (given.directory or Path(temporary)).resolve()
        directory.mkdir(parents=True, exist_ok=True)
        try:
            results = measure_all(Workshop(directory), given)
        except Missing as missing:
            sys.exit(f"accuracy.py: {missing}")
    print("\n" + table(results))
    if given.write:
        everything = merged(json.loads(RESULTS.read_text(encoding="utf-8")), results)
        RESULTS.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
        REPORT.write_text(document(everything), encoding="utf-8")


if __name__ == "__main__":
    main()
