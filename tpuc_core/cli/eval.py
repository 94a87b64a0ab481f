"""`tpuc eval imagenet`."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from tpuc_core.cli.preprocessing import given, preprocessing_options
from tpuc_core.cli.workers import workers_options
from tpuc_core.files import existing_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tpuc_core.evaluate.accuracy import Accuracy
    from tpuc_core.evaluate.labels import LabelledImage
    from tpuc_core.evaluate.pictures import PictureModel
    from tpuc_core.evaluate.significance import Paired
    from tpuc_core.session import Session

_EVERY = 20  # images between two lines of progress


@click.command("imagenet")
@click.option("--model", "model_file", required=True, help="The model: .mlir, .bmodel, .onnx, .tflite, .prototxt, ...")
@click.option("--weight", help="Its weights, for formats that keep them apart (.caffemodel); by default the file of the model's name beside it.")
@click.option("--against", help="A second model file for the same images; the two are compared image by image.")
@click.option("--dataset", required=True, help="A folder with a folder of images for each class, or a flat one with --labels.")
@click.option("--labels", help='Labels of a flat folder: .csv with "file" and "label", lines "FILE LABEL", or one label a line.')
@click.option("--count", type=click.IntRange(min=-1), default=-1, help="Take this many images at random; 0 or -1: all.  [default: all]")
@click.option("--seed", type=int, default=1684, show_default=True, help="Decides which images, and their order.")
@click.option("--class_offset", type=int,
              help="Index of class 0 in the model's output.  [default: 1 of 1001 scores, which begin with the background; else 0]")
@click.option("--mlir", "--preprocess_from", "mlir", help="Take the preprocessing from this .mlir, for models that carry none (.onnx).")
@click.option("--runner", help="Which runner, where several open such files; `tpuc plugins` lists them.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the result.")
@workers_options
@preprocessing_options
def imagenet(model_file: str, weight: str | None, against: str | None, dataset: str, labels: str | None, count: int, seed: int, class_offset: int | None,
             mlir: str | None, runner: str | None, form: str, jobs: int, dask: str | None, **rest: Any) -> None:
    """Measure Top-1 and Top-5 of a model file on labelled images, with their 95 % intervals.

    Preprocessing is what the model carries, what --mlir carries, or what the options say, in this order, each later one
    winning. With --against, McNemar's exact test says whether the two models differ on these images.
    """
    from tpuc_core.evaluate.labels import choose, labelled_images
    from tpuc_core.evaluate.pictures import PictureModel
    from tpuc_core.parallel import open_workers

    files = [existing_file(file).absolute() for file in (model_file, against) if file is not None]
    source = None if mlir is None else existing_file(mlir).absolute()
    options = tuple(given(rest).items())
    weights = [None if weight is None else existing_file(weight).absolute(), None]
    images = choose(labelled_images(dataset, labels), count, seed)
    measured: list[tuple[str, Accuracy]] = []
    with ExitStack() as stack:
        workers = stack.enter_context(open_workers(jobs, dask)) if jobs > 1 or dask else None
        for file, shown, own in zip(files, (model_file, against), weights):
            model = PictureModel(file, runner, source, options, own)
            measured.append((str(shown), _measure(model, images, class_offset, workers, is_quiet=form == "json")))
            if form == "text":
                click.echo(_summary(*measured[-1]))
    if form == "json":
        click.echo(json.dumps(_as_json(measured)))
    elif against is not None:
        for title, paired in _pairs(measured).items():
            click.echo(f"{title}: {paired.sentence()}")


def _measure(model: PictureModel, images: Sequence[LabelledImage], class_offset: int | None, workers: Any, *, is_quiet: bool) -> Accuracy:
    from tpuc_core.evaluate.accuracy import Accuracy, measure
    from tpuc_core.evaluate.pictures import Ranking

    session, preprocessing = model.open()
    offset = _background(session) if class_offset is None else class_offset
    accuracy, shown = Accuracy(), 0
    spread = None if workers is None else (workers, Ranking(model))
    for accuracy in measure(session, preprocessing, images, class_offset=offset, workers=spread):
        if not is_quiet and (accuracy.count == 1 or accuracy.count // _EVERY > shown):
            shown = accuracy.count // _EVERY
            click.echo(f"Test: [{accuracy.count:{len(str(len(images)))}}/{len(images)}]\t{accuracy.line()}")
    return accuracy


def _background(session: Session) -> int:
    from tpuc_core.evaluate.accuracy import score_count
    from tpuc_core.evaluate.metrics import BACKGROUND_SCORES

    return int(score_count(session) == BACKGROUND_SCORES)


def _summary(name: str, accuracy: Accuracy) -> str:
    (low1, high1), (low5, high5) = _intervals(accuracy)
    return (f"{name}: {accuracy.count} images, top-1 {accuracy.hits1} ({accuracy.top1:.2f} %), top-5 {accuracy.hits5} ({accuracy.top5:.2f} %)\n"
            f"95 % intervals: top-1 {low1:.2f} .. {high1:.2f} %, top-5 {low5:.2f} .. {high5:.2f} %")


def _intervals(accuracy: Accuracy) -> list[tuple[float, float]]:
    """In percent, of top-1 and top-5."""
    from tpuc_core.evaluate.significance import wilson_interval

    intervals = [wilson_interval(hits, accuracy.count) for hits in (accuracy.hits1, accuracy.hits5)]
    return [(100 * low, 100 * high) for low, high in intervals]


def _pairs(measured: Sequence[tuple[str, Accuracy]]) -> dict[str, Paired]:
    from tpuc_core.evaluate.significance import Paired

    (_, first), (_, second) = measured
    return {"top-1": Paired.of(first.right1, second.right1), "top-5": Paired.of(first.right5, second.right5)}


def _as_json(measured: Sequence[tuple[str, Accuracy]]) -> dict[str, Any]:
    results = [{"model": name, "images": a.count, "top1": a.hits1, "top5": a.hits5,
                **{f"{key}_interval": [round(end, 4) for end in ends] for key, ends in zip(("top1", "top5"), _intervals(a))}}
               for name, a in measured]
    if len(measured) == 1:
        return results[0]
    paired = {title.replace("-", ""): {"only_first": p.only_first, "only_second": p.only_second, "p_value": p.p_value}
              for title, p in _pairs(measured).items()}
    return {**results[0], "against": results[1], "paired": paired}
