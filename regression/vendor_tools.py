"""The vendor's own way from a model of the zoo to a bmodel in INT8: its import, its calibration, its compiler."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from recipes import RECIPES
from workshop import Missing, Workshop

VENDOR = Path(os.environ.get("TPUC_VENDOR") or Path.home() / ".cache" / "tpuc-vendor")
TIMEOUT_SECONDS = 7200


class VendorTools:
    """Files of model NAME are in vendor/NAME, below the workshop's directory. Raises Missing where the tools are not installed."""

    def __init__(self, workshop: Workshop, name: str):
        if not (VENDOR / "bin" / "model_deploy").exists():
            raise Missing(f"the vendor's tools are not in {VENDOR}: run `make vendor`")
        self.workshop, self.name = workshop, name
        self.directory = workshop.directory / "vendor" / name
        self.directory.mkdir(parents=True, exist_ok=True)

    def _make(self, result: str, words: str) -> None:
        """Run a command of theirs, unless its result is there."""
        if (self.directory / result).exists():
            return
        program, *arguments = shlex.split(words)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment["PATH"] = f"{VENDOR / 'bin'}{os.pathsep}{environment['PATH']}"
        subprocess.run([VENDOR / "bin" / program, *arguments], cwd=self.directory, env=environment, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS)

    def int8(self, labelled: Path, images: int, *, is_asymmetric: bool) -> str:
        """The .bmodel, calibrated on the images that `tpuc calibrate` takes; relative to the workshop's directory. Compiled with --opt 1,
        which changes the order of the work, not the numbers, and takes a tenth of the time."""
        samples = self.directory / "samples.txt"
        self.workshop.once(f"tpuc dataset list {labelled} --input_num {images} -o {samples}")
        source = self.workshop.source(self.name)
        self._make(f"{self.name}.mlir", f"model_transform --model_name {self.name} --model_def {source} {RECIPES[self.name].options}"
                                        f" --mlir {self.name}.mlir")
        self._make("table", f"run_calibration {self.name}.mlir --data_list samples.txt --input_num {images} -o table")
        symmetry, option = ("asym", " --asymmetric") if is_asymmetric else ("sym", "")
        self._make(f"{symmetry}.bmodel", f"model_deploy --mlir {self.name}.mlir --chip bm1684x --quantize INT8{option}"
                                         f" --calibration_table table --opt 1 --model {symmetry}.bmodel")
        return str((self.directory / f"{symmetry}.bmodel").relative_to(self.workshop.directory))
