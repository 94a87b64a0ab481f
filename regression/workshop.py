"""A directory in which public commands run, and the models made there: each imported, calibrated and compiled once."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from functools import cached_property
from pathlib import Path

import numpy as np
from recipes import Recipe
from zoo import Zoo
from zoo_recipes import ALL_RECIPES

HERE = Path(__file__).resolve().parent
TIMEOUT_SECONDS = 1800
TOLERANCES = {"f32": "0.999,0.999", "f16": "0.99,0.93", "bf16": "0.99,0.87"}
"""Of every tensor against float, for `tpuc deploy`; those of F16 and BF16 are the ones of the tutorials."""


class Missing(Exception):
    """What the zoo lacks, and how to get it."""


class CommandFailed(AssertionError):
    """A command ended with another exit code than it should; the message has its output."""


class Workshop:
    """Files of model NAME have the names NAME.mlir, NAME_cali_table, NAME_f32.bmodel, NAME_f16.bmodel, and so on."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.zoo = Zoo()
        self._printed: dict[tuple[str, ...], str] = {}

    def run(self, words: str, code: int = 0, threads: int | None = None) -> str:
        """Run a command line as a shell would, without a shell; what it prints. `threads`: on so many processors."""
        program, *arguments = shlex.split(words)
        environment = dict(os.environ)
        if threads is not None:
            environment["OMP_NUM_THREADS"] = str(threads)
        processors = sorted(os.sched_getaffinity(0))[:threads]
        done = subprocess.run(
            [Path(sys.executable).with_name(program), *arguments],
            cwd=self.directory,
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_SECONDS,
            preexec_fn=lambda: os.sched_setaffinity(0, processors),
        )
        if done.returncode != code:
            raise CommandFailed(f"exit code {done.returncode}, not {code}: {words}\n{done.stdout[-4000:]}")
        return done.stdout

    def once(self, words: str) -> str:
        """`run`, but a command that ran before is not run again."""
        key = tuple(shlex.split(words))
        if key not in self._printed:
            self._printed[key] = self.run(words)
        return self._printed[key]

    def npz(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of a file here."""
        with np.load(self.directory / name) as archive:
            return dict(archive)

    # models and pictures

    def source(self, name: str) -> Path:
        """The model file; of several the first, the one with the graph. Raises Missing."""
        return self.sources(name)[0]

    def sources(self, name: str) -> list[Path]:
        """The model file, or prototxt and caffemodel. Raises Missing."""
        if name == "digits":
            return [HERE / "demo" / "digits.onnx"]
        if name == "resnet18":
            return [self._resnet18]
        try:
            return self.zoo.model(name)
        except FileNotFoundError as error:
            raise Missing(str(error)) from error

    @cached_property
    def _resnet18(self) -> Path:
        path = self.directory / "resnet18.onnx"
        subprocess.run([sys.executable, HERE / "make_resnet18.py", path], check=True, timeout=TIMEOUT_SECONDS)
        return path

    def pictures(self, folder: str) -> Path:
        """A directory of pictures, below this one where they are made. Raises Missing."""
        made = self.directory / "pictures" / folder
        if folder == "demo":
            if not made.is_dir():
                zipfile.ZipFile(HERE / "demo" / "digits.zip").extractall(made)
            return made / "calibration"
        if folder == "samples":
            import sklearn.datasets

            made.mkdir(parents=True, exist_ok=True)
            for picture in (Path(sklearn.datasets.__file__).parent / "images").glob("*.jpg"):
                shutil.copy(picture, made)
            return made
        try:
            return self.zoo.images(folder)[0].parent
        except FileNotFoundError as error:
            raise Missing(str(error)) from error

    def samples(self, name: str) -> Path:
        """A directory of pictures, or of .npz files of random inputs, to calibrate an imported model on. Raises Missing."""
        recipe = ALL_RECIPES[name]
        if recipe.pictures != "random":
            return self.pictures(recipe.pictures)
        made = self.directory / f"{name}_samples"
        made.mkdir(exist_ok=True)
        for seed in range(recipe.calibration_count):
            if not (made / f"{seed}.npz").is_file():
                self.run(f"tpuc input random:{seed} --mlir {name}.mlir -o {name}_samples/{seed}.npz")
        return made

    def test_input(self, recipe: Recipe) -> str:
        """What `tpuc transform --test_input` is given: the first picture of a recipe's, or random values."""
        return "random" if recipe.pictures == "random" else str(self.picture(recipe))

    def picture(self, recipe: Recipe) -> Path:
        """The picture of a recipe to compare on: the one that it names, or the first."""
        if recipe.test_picture:
            return self.pictures(recipe.pictures) / recipe.test_picture
        return next(p for p in sorted(self.pictures(recipe.pictures).iterdir()) if p.suffix in (".jpg", ".png"))

    # the way from file to file

    def transform(self, name: str) -> str:
        """NAME.mlir, compared tensor by tensor with the model's engine on a picture; what the command printed."""
        recipe = ALL_RECIPES[name]
        graph, *data = self.sources(name)
        return self.once(
            f"tpuc transform --model_name {name} --model_def {graph} {' '.join(f'--model_data {d}' for d in data)}"
            f" {recipe.options} --tolerance 0.999,0.999"
            f" --test_input {self.test_input(recipe)} --test_result {name}_top.npz --mlir {name}.mlir"
        )

    def calibrate(self, name: str) -> str:
        """NAME_cali_table of the recipe's pictures."""
        recipe = ALL_RECIPES[name]
        self.transform(name)
        return self.once(
            f"tpuc calibrate {name}.mlir --dataset {self.samples(name)}"
            f" --input_num {recipe.calibration_count} -o {name}_cali_table"
        )

    def deploy(self, name: str, mode: str) -> str:
        """NAME_MODE.bmodel (mode f32, f16, bf16, int8 or int8_asym) with its certificate; what the command printed."""
        tolerance = TOLERANCES.get(mode, ALL_RECIPES[name].int8_tolerance)
        excepts = "-" if mode == "f32" else ALL_RECIPES[name].excepts
        words = f" --test_input {name}_in_f32.npz --tolerance {tolerance} --excepts {excepts}"
        return self.once(self.deploy_words(name, mode) + words)

    def deploy_words(self, name: str, mode: str, file: str | None = None) -> str:
        """The command without its test; what it needs is made."""
        self.transform(name)
        table = ""
        if mode.startswith("int8"):
            self.calibrate(name)
            table = f" --calibration_table {name}_cali_table" + (" --asymmetric" if mode == "int8_asym" else "")
        file = file or f"{name}_{mode}.bmodel"
        quantize = mode.removesuffix("_asym").upper()
        return f"tpuc deploy --mlir {name}.mlir --chip bm1684x --quantize {quantize}{table} --model {file}"

    def lowered(self, name: str, mode: str) -> str:
        """The file of tpu ops that `deploy` left."""
        return f"{name}_bm1684x_{'int8_sym' if mode == 'int8' else mode}_tpu.mlir"
