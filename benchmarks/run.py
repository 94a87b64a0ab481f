"""Speed and memory on ResNet18 (224 x 224), beside the vendor's tools in the same run.

    python benchmarks/run.py [--images 100] [--runs 3] [--only simulator-INT8 ...] [--write]

Each case runs in turn for us and for the vendor (A B A B), `runs` times; medians are shown. The vendor's column stays
empty where its tools are not installed (make vendor). --write also writes docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cases import Bench, Case, Measured
from processes import has_vendor, median

REPORT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
HEADERS = [
    "",
    "tpuc s",
    "vendor s",
    "tpuc : vendor",
    "goal",
    "met",
    "tpuc CPU s",
    "vendor CPU s",
    "tpuc MB",
    "vendor MB",
]
ALIGN = ["left", *["right"] * 3, "left", "left", *["right"] * 4]


@dataclass(frozen=True)
class Result:
    case: Case
    ours: list[Measured]
    theirs: list[Measured]

    def row(self) -> list[str]:
        ours, theirs = _seconds(self.ours), _seconds(self.theirs)
        goal = self.case.goal
        met = goal.is_met(ours, theirs) if goal and ours is not None else None
        return [
            self.case.title,
            _shown(ours),
            _shown(theirs),
            _ratio(ours, theirs),
            goal.text if goal else "",
            "" if met is None else "yes" if met else "NO",
            _cpu(self.ours),
            _cpu(self.theirs),
            _megabytes(self.ours),
            _megabytes(self.theirs),
        ]


def _seconds(measured: Sequence[Measured]) -> float | None:
    return median([m.seconds for m in measured]) if measured else None


def _cpu(measured: Sequence[Measured]) -> str:
    seconds = [m.cpu_seconds for m in measured if m.cpu_seconds is not None]
    return _shown(median(seconds)) if seconds else ""


def _megabytes(measured: Sequence[Measured]) -> str:
    return f"{max(m.peak_bytes for m in measured) / 1e6:.0f}" if measured else ""


def _shown(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3f}"


def _ratio(ours: float | None, theirs: float | None) -> str:
    if ours is None or theirs is None:
        return ""
    return f"{ours / theirs:.2f}" if ours > theirs / 5 else f"1 : {theirs / ours:.0f}"


def measure(case: Case, runs: int, with_vendor: bool) -> Result:
    """Both sides in turn, so that whatever else the machine does meets both."""
    result = Result(case, [], [])
    for _ in range(runs):
        result.ours.append(case.ours())
        if with_vendor and case.theirs is not None:
            result.theirs.append(case.theirs())
    return result


def machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    load = f"load {os.getloadavg()[0]:.1f} when the run began"
    return f"{os.cpu_count()} x {model}; Python {platform.python_version()}; {load}"


def report(table: str, about: str, command: str) -> str:
    return f"""# Benchmarks

ResNet18 (224 x 224, batch 1, random weights) and pictures of noise. Each case runs in turn for tpuc and for the vendor's
tools (tpu-mlir 1.30.2); the table shows medians. A command's time is its wall time, and CPU s what it took of the
processors, which says more where the machine was busy with other work. Of the interpreters and the simulator it is the
time of one inference, start-up and loading left out on both sides: the vendor's simulator is its runtime on its C model.
The ratio is tpuc's time to the vendor's. MB is the largest resident memory of one process (for an inference: that of the
process that drives it).

Made by `{command}`.

{about}.

{table}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100, help="for calibration (default: 100)")
    parser.add_argument("--runs", type=int, default=3, help="of each case (default: 3)")
    parser.add_argument("--only", nargs="+", metavar="CASE", help="names of cases, such as transform or simulator-INT8")
    parser.add_argument("--directory", type=Path, help="where files go, and stay (default: a temporary one)")
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tpuc-bench-") as temporary:
        about, with_vendor = machine(), has_vendor()
        bench = Bench((given.directory or Path(temporary)).resolve(), given.images, given.runs, with_vendor)
        cases = bench.cases()
        if unknown := set(given.only or ()) - {case.name for case in cases}:
            parser.error(f"unknown case {', '.join(sorted(unknown))}; valid: {', '.join(case.name for case in cases)}")
        print(about if with_vendor else f"{about}; the vendor's tools are not installed (make vendor)", flush=True)
        bench.prepare()
        results = []
        for case in cases:
            if not given.only or case.name in given.only:
                results.append(measure(case, given.runs, with_vendor))
                print("  ".join(filter(None, results[-1].row())), flush=True)
    rows = [result.row() for result in results]
    print("\n" + tabulate(rows, HEADERS, disable_numparse=True, colalign=ALIGN))
    if given.write:
        table = tabulate(rows, HEADERS, tablefmt="github", disable_numparse=True, colalign=ALIGN)
        REPORT.write_text(report(table, about, f"python benchmarks/run.py {' '.join(sys.argv[1:])}"), encoding="utf-8")


if __name__ == "__main__":
    main()
