"""The measured tables of docs/calibration.md: memory by number of images, and accuracy by method.

    python regression/calibration_tables.py [memory] [methods] [--directory DIR] [--write]

memory: the largest resident memory of one `tpuc calibrate` of ResNet18 on 10, 100 and 1,000 of the zoo's
pictures. methods: two classifiers, calibrated by every method on 100 of the zoo's pictures and quantized to INT8,
against float on others of them, by the interpreter of the chip's arithmetic. --write puts the tables into
docs/calibration.md.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from recipes import RECIPES
from tabulate import tabulate
from tpuc_calibration.outputs import QuantizedScore, Target, float_outputs
from workshop import Missing, Workshop

from tpuc_core.images import list_samples
from tpuc_core.parallel import open_workers
from tpuc_core.passes.calibration_table import CalibrationTable

REPORT = Path(__file__).resolve().parents[1] / "docs" / "calibration.md"
MODELS = ["mobilenet_v2_dequant", "efficientnet_lite0"]
PICTURES = "imagenet1k_256"
CALIBRATION, TUNING = 100, 20
NAMES = ("max", "percentile", "aciq_gauss", "aciq_laplace", "mse", "kl", "auto")
METHODS = {name: f"--method {name}" for name in NAMES}
METHODS |= {f"{name}, tuned": f"--method {name} --tune {TUNING}" for name in ("kl", "auto")}


def memory(workshop: Workshop, count: int) -> str:
    """A table of peak memory; `count` is not used."""
    workshop.transform("resnet18")
    folder, rows = workshop.pictures(PICTURES), []
    for images in (10, 100, 1000):
        words = f"calibrate resnet18.mlir --dataset {folder} --input_num {images} -o table"
        peak = peak_bytes([Path(sys.executable).with_name("tpuc"), *words.split()], workshop.directory)
        rows.append([f"{images:,}", f"{peak / 1e6:.0f}"])
        print(*rows[-1], flush=True)
    return tabulate(rows, ["images", "MB"], tablefmt="github", disable_numparse=True, colalign=["right"] * 2)


def peak_bytes(command: list[str | Path], directory: Path) -> int:
    """The largest resident set of the command's own process. CalledProcessError where it fails."""
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=directory, stdin=nothing, stdout=nothing, stderr=nothing)
    _, status, resources = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return resources.ru_maxrss * 1024


def methods(workshop: Workshop, count: int) -> str:
    """A table of signal to noise, and how often the first class is that of float, on `count` pictures."""
    columns = [accuracies(workshop, name, count) for name in MODELS]
    rows = [[f"`{method}`", *(column[method] for column in columns)] for method in METHODS]
    return tabulate(rows, ["method", *MODELS], tablefmt="github", disable_numparse=True)


def accuracies(workshop: Workshop, name: str, count: int) -> dict[str, str]:
    """By method, of one model."""
    workshop.transform(name)
    folder = workshop.pictures(RECIPES[name].pictures)
    words = f"--dataset {folder} --input_num {CALIBRATION} --shard 1/1"
    workshop.run(f"tpuc calibrate {name}.mlir {words} -o {name}_statistics")
    samples = list_samples(folder)[CALIBRATION : CALIBRATION + count]
    mlir, found = str(workshop.directory / f"{name}.mlir"), {}
    with open_workers(threads=1) as workers:
        items = float_outputs(mlir, samples, workers)
        for method, words in METHODS.items():
            workshop.run(f"tpuc calibrate --merge {name}_statistics {words} -o {name}_table")
            table = CalibrationTable.read(workshop.directory / f"{name}_table")
            scores = list(workers.map(QuantizedScore(mlir, table, Target("bm1684x")), items))
            error = math.fsum(score.error for score in scores) / len(scores)
            same = sum(score.same_first for score in scores)
            found[method] = f"{-10 * math.log10(error):.1f} dB, {100 * same / len(scores):.0f} %"
            print(name, method, found[method], flush=True)
    return found


def write_block(path: Path, name: str, text: str) -> None:
    """Put a text between `<!-- NAME -->` and `<!-- end -->`."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    after = rest.partition("<!-- end -->")[2]
    if not begin or not after:
        raise ValueError(f"{path} has no place for {name}")
    path.write_text(f"{before}{begin}{text}\n<!-- end -->{after}", encoding="utf-8")


TABLES: dict[str, Callable[[Workshop, int], str]] = {"memory": memory, "methods": methods}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE", default=[*TABLES], help="which (default: both)")
    parser.add_argument("--count", type=int, default=100, help="pictures to compare methods on (default: 100)")
    parser.add_argument("--directory", type=Path, help="where files go, and stay (default: a temporary one)")
    parser.add_argument("--write", action="store_true", help="write docs/calibration.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tpuc-calibration-") as temporary:
        directory = (given.directory or Path(temporary)).resolve()
        directory.mkdir(parents=True, exist_ok=True)
        for name in given.tables:
            try:
                table = TABLES[name](Workshop(directory), given.count)
            except Missing as missing:
                sys.exit(f"calibration_tables.py: {missing}")
            print(f"\n{table}\n")
            if given.write:
                write_block(REPORT, name, table)


if __name__ == "__main__":
    main()
