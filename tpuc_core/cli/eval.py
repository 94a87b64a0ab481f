"""`tpuc eval imagenet`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from tpuc_core.cli.preprocessing import given, preprocessing_options
from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file
from tpuc_core.plugins import plugins

if TYPE_CHECKING:
    from tpuc_core.images import Preprocessing
    from tpuc_core.session import Session

_EVERY = 20  # images between two lines of progress


@click.command("imagenet")
@click.option("--model", "model_file", required=True, help="The model: .mlir, .bmodel, .onnx, ...")
@click.option("--dataset", required=True, help="A folder with a folder of images for each class, or a flat one with --labels.")
@click.option("--labels", help='Labels of a flat folder: .csv with "file" and "label", lines "FILE LABEL", or one label a line.')
@click.option("--count", type=int, default=-1, help="Take this many images at random.  [default: all]")
@click.option("--seed", type=int, default=1684, show_default=True, help="Decides which images, and their order.")
@click.option("--class_offset", type=int, default=0, show_default=True,
              help="Index of class 0 in the model's output: 1 where a background class comes first.")
@click.option("--mlir", help="Take the preprocessing from this .mlir, for models that carry none (.onnx).")
@click.option("--runner", help="Which runner, where several open such files; `tpuc plugins` lists them.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the result.")
@preprocessing_options
def imagenet(model_file: str, dataset: str, labels: str | None, count: int, seed: int, class_offset: int, mlir: str | None,
             runner: str | None, form: str, **rest: Any) -> None:
    """Measure Top-1 and Top-5 of a model file on labelled images.

    Preprocessing is what the model carries, what --mlir carries, or what the options say, in this order, each later one
    winning.
    """
    from tpuc_core.evaluate.accuracy import Accuracy, measure
    from tpuc_core.evaluate.labels import choose, labelled_images

    path = existing_file(model_file)
    images = choose(labelled_images(dataset, labels), count, seed)
    session = plugins().runner(path.suffix, runner).open(path)
    preprocessing = _preprocessing(session, path.name, mlir, given(rest))
    accuracy, shown = Accuracy(), 0
    for accuracy in measure(session, preprocessing, images, class_offset=class_offset):
        if form == "text" and (accuracy.count == 1 or accuracy.count // _EVERY > shown):
            shown = accuracy.count // _EVERY
            click.echo(f"Test: [{accuracy.count:{len(str(len(images)))}}/{len(images)}]\t{accuracy.line()}")
    if form == "json":
        click.echo(json.dumps({"model": str(path), "images": accuracy.count, "top1": accuracy.hits1, "top5": accuracy.hits5}))
    else:
        click.echo(f"{path}: {accuracy.count} images, top-1 {accuracy.hits1} ({accuracy.top1:.2f} %), "
                   f"top-5 {accuracy.hits5} ({accuracy.top5:.2f} %)")


def _preprocessing(session: Session, name: str, mlir: str | None, fields: dict[str, Any]) -> Preprocessing:
    from dataclasses import replace

    from tpuc_core.images import Preprocessing

    attributes = getattr(session, "preprocessing", None)
    if mlir is not None:
        from tpuc_core.ir import load_model
        from tpuc_core.run_mlir import picture_attributes

        attributes = picture_attributes(load_model(mlir))
    if not attributes and not fields:
        raise TpucError(f'"{name}" does not say how images become inputs; give --mlir, or --mean, --scale, --pixel_format, ...')
    return replace(Preprocessing.from_attributes(attributes or {}), **fields)
