"""Accuracy of compiled files: top-1 and top-5 on the zoo's 1,000 labelled images, float beside INT8.

    python regression/accuracy.py [--count N] [--directory DIR] [--write]

Each model is imported, calibrated on 100 of the images (the same for each model: no others exist), and compiled by public
commands; INT8 is measured on the .bmodel in the simulator, float on the .mlir. --write also writes docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from recipes import RECIPES
from tabulate import tabulate
from workshop import Missing, Workshop

MODELS = ["efficientnet_lite0", "mobilenet_v2_dequant"]
CALIBRATION = 100
REPORT = Path(__file__).resolve().parents[1] / "docs" / "accuracy.md"
HEADERS = ["", "float top-1", "INT8 top-1", "difference", "float top-5", "INT8 top-5"]
TEXT = """# Accuracy of compiled files

Top-1 and top-5 in percent on {count} labelled images of ImageNet (one of each class; `make zoo`). Float is the imported
`.mlir`; INT8 (symmetric) is the **`.bmodel`** in the simulator, which computes what the chip computes. Calibrated on
{calibration} of the same images (`tpuc calibrate --input_num {calibration}`, default seed and method): the zoo has no others.

Made by `python regression/accuracy.py --write{option}`.

{table}

In the same way, by `tpuc eval imagenet`, any model file on any labelled folder.
"""


@dataclass(frozen=True)
class Accuracy:
    """Percent of the images whose class is first, and among the first five."""

    top1: float
    top5: float


def compile_int8(workshop: Workshop, name: str, labelled: Path) -> str:
    """The name of the .bmodel, calibrated on CALIBRATION images."""
    workshop.transform(name)
    table, bmodel = f"{name}_cali_table_{CALIBRATION}", f"{name}_int8_{CALIBRATION}.bmodel"
    workshop.once(f"tpuc calibrate {name}.mlir --dataset {labelled} --input_num {CALIBRATION} -o {table}")
    workshop.once(
        f"tpuc deploy --mlir {name}.mlir --chip bm1684x --quantize INT8 --calibration_table {table}"
        f" --skip_validation --model {bmodel}"
    )
    return bmodel


def measure(workshop: Workshop, name: str, model: str, labelled: Path, count: int) -> Accuracy:
    """`model` is a file of the network `name`."""
    words = f"--dataset {labelled} --class_offset {RECIPES[name].class_offset} --format json"
    printed = workshop.once(f"tpuc eval imagenet --model {model} {words}" + (f" --count {count}" if count else ""))
    result = json.loads(printed.strip().splitlines()[-1])
    return Accuracy(100 * result["top1"] / result["images"], 100 * result["top5"] / result["images"])


def row(workshop: Workshop, name: str, labelled: Path, count: int) -> list[str]:
    bmodel = compile_int8(workshop, name, labelled)
    real, quantized = (measure(workshop, name, model, labelled, count) for model in (f"{name}.mlir", bmodel))
    values = [real.top1, quantized.top1, quantized.top1 - real.top1, real.top5, quantized.top5]
    return [name, *(f"{value:.1f}" for value in values)]


def labelled_images(workshop: Workshop) -> Path:
    """The folder with a folder for each class. Raises Missing."""
    return workshop.pictures("imagenet1k_256").with_name("imagenet1k_val")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=0, help="measure on so many images (default: all)")
    parser.add_argument("--directory", type=Path, help="where files go, and stay (default: a temporary one)")
    parser.add_argument("--write", action="store_true", help="write docs/accuracy.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tpuc-accuracy-") as temporary:
        directory = (given.directory or Path(temporary)).resolve()
        directory.mkdir(parents=True, exist_ok=True)
        workshop = Workshop(directory)
        try:
            labelled, rows = labelled_images(workshop), []
            for name in MODELS:
                rows.append(row(workshop, name, labelled, given.count))
                print("  ".join(rows[-1]), flush=True)
        except Missing as missing:
            sys.exit(f"accuracy.py: {missing}")
    align = ["left", *["right"] * 5]
    print("\n" + tabulate(rows, HEADERS, disable_numparse=True, colalign=align))
    if given.write:
        table = tabulate(rows, HEADERS, tablefmt="github", disable_numparse=True, colalign=align)
        option = f" --count {given.count}" if given.count else ""
        REPORT.write_text(
            TEXT.format(count=given.count or "1,000", calibration=CALIBRATION, option=option, table=table),
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
