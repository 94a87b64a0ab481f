"""`tpuc eval metric`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from tpuc_core.cli.preprocessing import given, preprocessing_options
from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file


@click.command("metric")
@click.option("--model", "model_file", required=True, help="The model: .mlir, .bmodel, .onnx, .tflite, .prototxt, ...")
@click.option("--metric", "word", required=True, metavar="METRIC",
              help="top1, top5, cosine, agreement, one of a plugin, package.module:FUNCTION, or FILE.py:FUNCTION.")
@click.option("--weight", help="Its weights, for formats that keep them apart (.caffemodel); by default the file of the model's name beside it.")
@click.option("--reference", help="A second model file, whose outputs the metric may compare with.")
@click.option("--dataset", help="A folder of images, .npy or .npz; with a folder for each class, or with --labels, they have labels.")
@click.option("--data_list", help="In its place: a file with one sample a line; commas between several inputs.")
@click.option("--labels", help='Labels of a --dataset: .csv with "file" and "label", lines "FILE LABEL", or one label a line.')
@click.option("--count", type=click.IntRange(min=0), default=0, show_default=True, help="How many samples; 0: all.")
@click.option("--seed", type=int, default=1684, show_default=True, help="Decides which samples of a --dataset are taken.")
@click.option("--mlir", "--preprocess_from", "mlir", help="Take the preprocessing from this .mlir, for models that carry none (.onnx).")
@click.option("--runner", help="Which runner, where several open such files; `tpuc plugins` lists them.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the result.")
@preprocessing_options
def metric(model_file: str, weight: str | None, word: str, reference: str | None, dataset: str | None, data_list: str | None, labels: str | None,
           count: int, seed: int, mlir: str | None, runner: str | None, form: str, **rest: Any) -> None:
    """Measure a model file by a metric in Python.

    A metric is a function of the outputs (arrays by name) and of the sample (its source, inputs, label and the reference's
    outputs) that gives a number, or numbers by name; they are averaged over the samples. See docs/eval.md.
    """
    from tpuc_core.evaluate.metrics import load_metric
    from tpuc_core.evaluate.pictures import PictureModel
    from tpuc_core.evaluate.scoring import find_sources, loader, samples_of, score
    from tpuc_core.progress import progress

    function = load_metric(word)
    sources = find_sources(dataset, data_list, labels, count, seed)
    source, options = None if mlir is None else existing_file(mlir), tuple(given(rest).items())
    session, preprocessing = PictureModel(existing_file(model_file), runner, source, options, None if weight is None else existing_file(weight)).open_any()
    other = None if reference is None else PictureModel(existing_file(reference), None, source, options).open_any()[0]
    if other is not None and [i.shape for i in other.inputs] != [i.shape for i in session.inputs]:
        raise TpucError(f'"{reference}" takes inputs of other shapes than "{model_file}"')
    samples = samples_of(sources, loader(session, preprocessing), other)
    *_, figures = progress(score(session, function, samples), "eval", len(sources))
    result = figures.result()
    if form == "json":
        click.echo(json.dumps({"model": str(Path(model_file)), "samples": len(sources), "metric": word, "figures": result}))
    else:
        shown = ", ".join(f"{name} {value:.6g}" for name, value in result.items())
        click.echo(f"{model_file}: {len(sources)} samples, {word}: {shown}")
