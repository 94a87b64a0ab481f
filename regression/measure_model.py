"""One zoo model on the way through the public commands, in every mode: what `make tables` writes down about it."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from typing import Any

import numpy as np
from workshop import CommandFailed, Missing, Workshop
from zoo_recipes import ALL_RECIPES

MODES = {
    "F32": "--quantize F32",
    "F16": "--quantize F16",
    "BF16": "--quantize BF16",
    "INT8 sym": "--quantize INT8",
    "INT8 asym": "--quantize INT8 --asymmetric",
}
LONGEST_REASON = 200
TOO_LONG = "not run: takes more than {:g} s"
"""The verdict on a compiled file for which the vendor's runtime was not waited for longer."""

Record = dict[str, Any]


def measure_import(workshop: Workshop, name: str) -> Record:
    """`{"engine", "tensors", "equal"}` of a model that is imported and compared with its engine; else `{"reason"}`."""
    try:
        printed = workshop.transform(name)
    except (CommandFailed, Missing, subprocess.TimeoutExpired) as failure:
        printed = str(failure)
    compared = re.search(r"(\d+) tensors compared with (\w+): (\w+)", printed)
    if compared is None:
        return {"reason": reason_in(printed)}
    record: Record = {"engine": compared[2], "tensors": int(compared[1]), "equal": compared[3] == "PASSED"}
    if not record["equal"]:
        record["reason"] = reason_in(printed)
    return record


def is_imported(workshop: Workshop, name: str) -> bool:
    return (workshop.directory / f"{name}.mlir").is_file()


def measure_mode(workshop: Workshop, name: str, mode: str) -> Record:
    """What deploy says: plan, proof, similarity and cycles, with the hash of what the file computes; or `{"reason"}`."""
    file = f"{name}_{mode.replace(' ', '_').lower()}.bmodel"
    try:
        table = calibration_words(workshop, name) if "INT8" in mode else ""
        printed = workshop.run(
            f"tpuc deploy --mlir {name}.mlir --chip bm1684x {MODES[mode]}{table}"
            f" --test_input {name}_in_f32.npz --tolerance=-1e9,-1e9 --model {file}"
        )
    except (CommandFailed, Missing, subprocess.TimeoutExpired) as failure:
        return {"reason": reason_in(str(failure))}
    return {**read_deploy(printed), "outputs": outputs_sha256(workshop, name, file)}


def read_deploy(printed: str) -> Record:
    """The figures in what `tpuc deploy` prints."""
    proof = re.search(r"proof: (\d+) tensors, (\d+) equal", printed)
    number = r"(-?[\d.]+|nan)"
    real = re.search(f"least similarity {number}, {number}, of the outputs {number}, {number}", printed)
    time = re.search(r"time: ([\d,]+) cycles", printed)
    plan = re.search(r"plan: (.*)", printed)
    assert proof and time and plan, printed
    return {
        "tensors": int(proof[1]),
        "equal": int(proof[2]),
        "similarity": [round(float(x), 3) for x in real.groups()[:2]] if real else None,
        "outputs' similarity": [round(float(x), 3) for x in real.groups()[2:]] if real else None,
        "cycles": int(time[1].replace(",", "")),
        "plan": {precision: int(n) for n, precision in re.findall(r"(\d+) ops in (\w+)", plan[1])},
    }


def calibration_words(workshop: Workshop, name: str) -> str:
    """The option with the model's table; none for a model that brings its scales."""
    if ALL_RECIPES[name].is_quantized:
        return ""
    workshop.calibrate(name)
    return f" --calibration_table {name}_cali_table"


def outputs_sha256(workshop: Workshop, name: str, file: str, runner: str = "") -> str:
    """The hash of the stored outputs of a compiled file on the model's test input, by name."""
    target = f"{file}{'.bmrt' if runner else ''}.npz"
    workshop.run(f"tpuc run --model {file} --input {name}_in_f32.npz --out_fixed {runner} --output {target}")
    digest = hashlib.sha256()
    for tensor, array in sorted(workshop.npz(target).items()):
        digest.update(f"{tensor} {array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def vendor_verdict(workshop: Workshop, name: str, mode: str, record: Record, seconds: float) -> str:
    """"equal" or "differs" for the outputs of the vendor's runtime on its C model; else why there are none."""
    file = f"{name}_{mode.replace(' ', '_').lower()}.bmodel"
    os.environ["TPUC_BMRT_TIMEOUT"] = f"{seconds:g}"
    try:
        theirs = outputs_sha256(workshop, name, file, "--runner bmrt")
    except (CommandFailed, subprocess.TimeoutExpired) as failure:
        return TOO_LONG.format(seconds) if "no answer within" in str(failure) else reason_in(str(failure))
    return "equal" if theirs == record["outputs"] else "differs"


def reason_in(printed: str) -> str:
    """The last line that says something, cut to one line of a table."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    reason = lines[-1].removeprefix("tpuc: ").removeprefix("error: ") if lines else "no output"
    return reason if len(reason) <= LONGEST_REASON else reason[:LONGEST_REASON].rsplit(" ", 1)[0] + " ..."
