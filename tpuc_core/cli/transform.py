"""`tpuc transform`."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tpuc_core.cli.preprocessing import NamedNumbers, Shapes, given, preprocessing_options, split_words
from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file, whole_file, writable_file
from tpuc_core.hookspecs import Frontend, FrontendOptions
from tpuc_core.plugins import plugins

if TYPE_CHECKING:
    import numpy as np

    from tpuc_core.ir import Model
    from tpuc_core.npz import Report, Tolerance


@click.command("transform")
@click.option("--model_name", required=True, help="Name of the model, and the beginning of the names of its files.")
@click.option("--model_def", required=True, help="The model file (.onnx, ...).")
@click.option("--model_data", help="Its weights, for formats that keep them apart (.caffemodel).")
@click.option("--input_shapes", type=Shapes(), help="Shapes of the inputs, such as [[1,3,224,224]], where the file leaves them open.")
@click.option("--constant_inputs", type=NamedNumbers(), help="Inputs that always have one value, such as sr=16000, with commas between.")
@click.option("--output_names", help="Tensors to end the model at, with commas between.")
@preprocessing_options
@click.option("--test_input", help="A picture, .npz, .npy (several with commas between) or random[:SEED]: compare with the original engine on it.")
@click.option("--test_result", help="Where to write every tensor of the imported model on --test_input (.npz).")
@click.option("--tolerance", default="0.99,0.99", show_default=True, help="Least cosine and euclidean similarity of every tensor.")
@click.option("--excepts", default="-", help="Tensors to leave out of the comparison, with commas between.")
@click.option("--mlir", required=True, help="The .mlir file to write.")
@click.option("-v", "--verbose", count=True, help="Show the verdict on every tensor; twice: with figures.")
def transform(model_name: str, model_def: str, model_data: str | None, input_shapes: list[list[int]] | None,
              constant_inputs: dict[str, float] | None, output_names: str | None,
              test_input: str | None, test_result: str | None, tolerance: str, excepts: str, mlir: str, verbose: int, **rest: Any) -> int:
    """Import a model as `top` ops: MLIR text with its weights beside it.

    With --test_input the imported model is evaluated beside the model's own engine, and every tensor that both have is compared:
    exit code 1 when one fails.
    """
    from tpuc_core.images import Preprocessing, is_random
    from tpuc_core.npz import Tolerance

    files = [existing_file(f) for f in (model_def, model_data) if f]
    limits = Tolerance.parse(tolerance)
    if test_result and not test_input:
        raise TpucError("--test_result needs --test_input")
    if Path(model_name).name != model_name:
        raise TpucError(f'--model_name "{model_name}" should be a name without folders: files are named after it')
    options = FrontendOptions(model_name, input_shapes, tuple(split_words(output_names)), Preprocessing(**given(rest)),
                              constant_inputs or {})
    words = split_words(test_input)
    writable_file(mlir, files)
    if test_result:
        writable_file(test_result, [mlir, *files, *words])
    job = _Job(plugins().frontend(files[0].suffix), files, options, Path(mlir))
    if not words:
        job.save(job.load())
        return 0
    for word in words:
        if not is_random(word):
            existing_file(word)
    report = job.test(words, test_result, limits, set(split_words(excepts)))
    return _show(report, job.frontend.name, limits, verbose)


@dataclass
class _Job:
    """One model on its way from its own format to text."""

    frontend: Frontend
    files: Sequence[Path]
    options: FrontendOptions
    mlir: Path

    def load(self) -> Model:
        return self.frontend.load(self.files, self.options)

    def beside(self, suffix: str) -> Path:
        """A file of the model's name beside the .mlir."""
        return self.mlir.with_name(f"{self.options.model_name}{suffix}")

    def save(self, model: Model) -> None:
        """Write the text, the weights, and the simplified original."""
        from tpuc_core.ir import save_model, shape_of

        save_model(model, self.mlir, f"{self.mlir.stem}_top_f32_all_weight.npz")
        simplified = self.frontend.simplified(self.files, self.options)
        if simplified is not None:
            with whole_file(self.beside(f"_opt{self.files[0].suffix}")) as path:
                path.write_bytes(simplified)
        weights = sum(prod(shape_of(op.results[0])) for op in model.module.walk() if op.name == "top.Weight")
        click.echo(f"{self.mlir}: {len(model.ops())} ops, {weights:,} weights")

    def test(self, words: Sequence[str], result: str | None, limits: Tolerance, excepts: set[str]) -> Report:
        """Import and save; evaluate the model and its original; compare every tensor that both have.

        The original engine works outside Python, in a thread: the rest of the work hides it.
        """
        from tpuc_core.npz import compare, save_npz

        with ThreadPoolExecutor(1) as pool:
            engine = pool.submit(self.frontend.reference, self.files, self.options)
            from tpuc_core.evaluate import evaluate  # while the engine starts

            model = self.load()
            inputs = _inputs_of(model, words)
            original = pool.submit(lambda: engine.result().run(inputs, all_tensors=True))
            self.save(model)
            save_npz(self.beside("_in_f32.npz"), {name: array.astype("float32") for name, array in inputs.items()})
            imported = evaluate(model, inputs)
            wanted = original.result()
        if result:
            save_npz(result, imported)
        return compare(imported, wanted, *limits, excepts=excepts)


def _inputs_of(model: Model, words: Sequence[str]) -> dict[str, np.ndarray]:
    from tpuc_core.images import load_inputs
    from tpuc_core.run_mlir import preprocessing_of

    inputs = preprocessing_of(model)
    return load_inputs(words, {name: shape for name, (shape, _) in inputs.items()}, {name: p for name, (_, p) in inputs.items()})


def _show(report: Report, engine: str, limits: Tolerance, verbose: int) -> int:
    shown = report.comparisons if verbose else report.failures
    for comparison in shown:
        click.echo("\n".join(comparison.lines(1 if verbose > 1 or not comparison.passed else 0)))
    cosine, euclidean, _ = report.min_similarity
    verdict = "PASSED" if report.passed else "FAILED"
    click.echo(f"{len(report.comparisons)} tensors compared with {engine}: {verdict}; least similarity {cosine:.6f}, {euclidean:.6f}"
               f" (wanted {limits.cosine:g}, {limits.euclidean:g})")
    return 0 if report.passed else 1
