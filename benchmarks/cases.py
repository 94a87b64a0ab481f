"""What is measured: each case for us and for the vendor, on files that `prepare` made with each one's own commands."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import processes
from processes import BIN, VENDOR, Usage, in_json, median

HERE = Path(__file__).resolve().parent
PREPROCESSING = "--resize_dims 256,256 --mean 123.675,116.28,103.53 --scale 0.0171,0.0175,0.0174 --pixel_format rgb"
INPUT = "ours/resnet18_in_f32.npz"
MODES = ("F32", "F16", "BF16", "INT8")
TIMES_FASTER = {"F32": 30, "F16": 100, "BF16": 100, "INT8": 50}
"""How many times faster than the vendor's runtime the simulator is to be."""


@dataclass(frozen=True)
class Measured:
    """Seconds of wall time (of a command, or of one inference), the largest resident memory in bytes, and a command's seconds
    of processors."""

    seconds: float
    peak_bytes: int
    cpu_seconds: float | None = None


Measure = Callable[[], Measured]


@dataclass(frozen=True)
class Goal:
    """A bound on our share: at most `share` of the vendor's seconds, or at most `seconds` of our own."""

    text: str
    share: float | None = None
    seconds: float | None = None

    def is_met(self, ours: float, theirs: float | None) -> bool | None:
        """None where there is nothing to compare with."""
        if self.seconds is not None:
            return ours < self.seconds
        return None if theirs is None or self.share is None else ours <= theirs * self.share


@dataclass(frozen=True)
class Case:
    title: str
    ours: Measure
    theirs: Measure | None = None
    goal: Goal | None = None
    name: str = field(kw_only=True)


class Bench:
    """A directory with `ours` and `vendor`, each with the files of its own commands; ResNet18 and pictures of noise."""

    def __init__(self, directory: Path, images: int, runs: int, with_vendor: bool):
        self.directory, self.images, self.runs, self.with_vendor = directory, images, runs, with_vendor
        self.own, self.peer, self.kept = directory / "ours", directory / "vendor", directory / "vendor_kept"
        for folder in (self.own, self.peer, self.kept, directory / "images"):
            folder.mkdir(parents=True, exist_ok=True)

    def prepare(self) -> None:
        """Model, pictures, and everything that the cases start from."""
        self._make_sources()
        self.transform_ours()
        self.calibrate_ours(min(4, self.images))
        if self.with_vendor:
            self.transform_theirs()
            self.calibrate_theirs(min(4, self.images))
        for mode in MODES:
            self.deploy_ours(mode)
            if self.with_vendor:
                self.deploy_theirs(mode)
                self._keep_lowered(mode)

    def _make_sources(self) -> None:
        import cv2
        import numpy as np

        model = self.directory / "resnet18.onnx"
        if not model.exists():
            subprocess.run([sys.executable, HERE.parent / "regression" / "make_resnet18.py", model], check=True)
        rng = np.random.default_rng(0)
        for number in range(self.images):
            picture = self.directory / "images" / f"{number:03}.jpg"
            if not picture.exists():
                coarse = rng.integers(0, 256, (28, 28, 3), np.uint8)
                cv2.imwrite(str(picture), cv2.resize(coarse, (224, 224), interpolation=cv2.INTER_CUBIC))

    def _keep_lowered(self, mode: str) -> None:
        """The vendor's lowered model with its weights, which a plain deploy deletes at its end."""
        for name in ("resnet18.mlir", "resnet18_top_f32_all_weight.npz", "table"):
            if (self.peer / name).exists():
                shutil.copy(self.peer / name, self.kept)
        processes.theirs(f"model_deploy {self._deploy_words(mode)} --debug", self.kept)

    # commands

    def _transform_words(self) -> str:
        return (
            f"--model_name resnet18 --model_def ../resnet18.onnx --input_shapes [[1,3,224,224]] {PREPROCESSING}"
            " --tolerance 0.99,0.99"
            " --test_input ../images/000.jpg --test_result top.npz --mlir resnet18.mlir"
        )

    def transform_ours(self) -> Measured:
        return measured(processes.ours(f"tpuc transform {self._transform_words()}", self.own))

    def transform_theirs(self) -> Measured:
        return measured(processes.theirs(f"model_transform {self._transform_words()}", self.peer))

    def calibrate_ours(self, images: int | None = None) -> Measured:
        return measured(
            processes.ours(
                f"tpuc calibrate resnet18.mlir --dataset ../images --input_num {images or self.images} -o table",
                self.own,
            )
        )

    def calibrate_theirs(self, images: int | None = None) -> Measured:
        return measured(
            processes.theirs(
                f"run_calibration resnet18.mlir --dataset ../images --input_num {images or self.images} -o table",
                self.peer,
            )
        )

    def _deploy_words(self, mode: str) -> str:
        table = " --calibration_table table" if mode == "INT8" else ""
        return f"--mlir resnet18.mlir --chip bm1684x --quantize {mode}{table} --model {mode}.bmodel"

    def deploy_ours(self, mode: str) -> Measured:
        return measured(processes.ours(f"tpuc deploy {self._deploy_words(mode)} --skip_validation", self.own))

    def deploy_theirs(self, mode: str) -> Measured:
        return measured(processes.theirs(f"model_deploy {self._deploy_words(mode)}", self.peer))

    # one inference, start-up left out

    def run_ours(self, model: str, repeat: int = 5) -> Measured:
        return one_inference(
            processes.run([BIN / "python", HERE / "time_session.py", model, INPUT, str(repeat)], self.directory)
        )

    def interpret_theirs(self, model: str, repeat: int = 3) -> Measured:
        """Where its weights are, since it looks for them in the current directory."""
        words = [
            VENDOR / "bin" / "python",
            HERE / "time_vendor_interpreter.py",
            model,
            self.directory / INPUT,
            str(repeat),
        ]
        return one_inference(processes.run(words, self.kept))

    def run_runtime(self, model: str, repeat: int = 1) -> Measured:
        return one_inference(
            processes.run([BIN / "python", HERE / "time_runtime.py", model, INPUT, str(repeat)], self.directory)
        )

    def cases(self) -> list[Case]:
        """All, in the order of the flow."""
        half, one_and_a_half = Goal("at most 0.5 x", 0.5), Goal("at most 1.5 x", 1.5)
        found = [
            Case("transform, with test", self.transform_ours, self.transform_theirs, half, name="transform"),
            Case(
                f"calibrate, {self.images} images", self.calibrate_ours, self.calibrate_theirs, half, name="calibrate"
            ),
        ]
        for mode in MODES:
            found.append(
                Case(
                    f"deploy {mode}, without validation",
                    lambda m=mode: self.deploy_ours(m),
                    lambda m=mode: self.deploy_theirs(m),
                    one_and_a_half,
                    name=f"deploy-{mode}",
                )
            )
        for mode in MODES:
            lowered = f"resnet18_bm1684x_{'int8_sym' if mode == 'INT8' else mode.lower()}_tpu.mlir"
            found.append(
                Case(
                    f"interpreter {mode}, one image",
                    lambda f=lowered: self.run_ours(f"ours/{f}"),
                    lambda f=lowered: self.interpret_theirs(f),
                    name=f"interpreter-{mode}",
                )
            )
        for mode in MODES:
            found += self._simulator_cases(mode)
        found.append(
            Case(
                "tpuc --help",
                lambda: measured(processes.ours("tpuc --help", self.own)),
                None,
                Goal("under 0.3 s", seconds=0.3),
                name="help",
            )
        )
        return found

    def _simulator_cases(self, mode: str) -> list[Case]:
        times = TIMES_FASTER[mode]
        goal = Goal(f"at least {times} x faster", 1 / times)
        return [
            Case(
                f"simulator {mode}, one image, {text}",
                lambda: self.run_ours(f"ours/{mode}.bmodel"),
                lambda w=whose: self.run_runtime(f"{w}/{mode}.bmodel"),
                goal,
                name=f"{name}-{mode}",
            )
            for whose, text, name in (
                ("vendor", "each its own file", "simulator"),
                ("ours", "our file in both", "same-file"),
            )
        ]


def measured(usage: Usage) -> Measured:
    return Measured(usage.seconds, usage.peak_bytes, usage.cpu_seconds)


def one_inference(usage: Usage) -> Measured:
    return Measured(median(in_json(usage)), usage.peak_bytes)
