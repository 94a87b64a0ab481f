"""`tpuc search` and `tpuc attribute`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tpuc_core.cli.preprocessing import split_words
from tpuc_core.cli.workers import workers_options
from tpuc_core.errors import TpucError, unknown
from tpuc_core.files import existing_file, writable_file
from tpuc_core.plan import Precision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tpuc_core.evaluate.scoring import Source
    from tpuc_core.parallel import Workers
    from tpuc_mix.measure import Goal
    from tpuc_mix.noise import Noise
    from tpuc_mix.search import Measured
    from tpuc_mix.task import Choice, Task

PATH = click.Path(path_type=Path)
OPTIONS = [
    click.argument("mlir"),
    click.option("--calibration_table", required=True, help="Ranges, as `tpuc calibrate` writes them."),
    click.option("--data_list", help="A file with one sample a line: an image, .npy or .npz; commas between several inputs."),
    click.option("--dataset", help="In its place: a folder of images, .npy or .npz; labelled where it has a folder for each class."),
    click.option("--labels", help='Labels of a flat --dataset: .csv with "file" and "label", lines "FILE LABEL", or one label a line.'),
    click.option("--input_num", type=click.IntRange(min=0), default=0, show_default=True, help="How many samples; 0: all."),
    click.option("--sensitivity_num", "--inference_num", "sensitivity_num", type=click.IntRange(min=1), default=8, show_default=True,
                 help="How many of them the noise of each op is measured on."),
    click.option("--seed", type=int, default=1684, show_default=True, help="Decides which samples of a --dataset are taken."),
    click.option("--chip", "--processor", "chip", default="bm1684x", show_default=True, help="The chip to compile for."),
    click.option("--mode_low", default="INT8", show_default=True, help="The mode of the ops that are not chosen."),
    click.option("--asymmetric", "is_asymmetric", is_flag=True, help="Quantize with zero points."),
]


def task_options(function: Callable) -> Callable:
    """The options that both commands have."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


@click.command("search")
@task_options
@click.option("--mode_high", "--fp_type", "mode_high", default="F16", show_default=True, help="Modes to choose from, commas between: F16, BF16, F32; auto is F16.")
@click.option("--target_cos", "--expected_cos", "target_cos", type=float, help="Least mean cosine similarity of the outputs to float.  [default: 0.99]")
@click.option("--target_top1_drop", type=float, help="Most points of top-1 to lose against float, on labelled samples.")
@click.option("--metric", help="A metric as for `tpuc eval metric`, in place of these two; higher is better.")
@click.option("--figure", default="", help="Which figure of the metric counts, where it gives several.")
@click.option("--target", type=float, help="The least value of the metric.")
@click.option("--target_drop", type=float, help="In its place: how far it may fall below the float model's.")
@click.option("--measure_num", type=click.IntRange(min=2), default=10, show_default=True, help="How many choices are compiled and measured.")
@click.option("-o", "--output", "--quantize_table", "output", required=True, type=PATH, help="The quantization table to write.")
@click.option("--csv", "csv_file", type=PATH, help="Write every measured choice there.")
@click.option("--png", "png_file", type=PATH, help="Draw cycles and figure of every measured choice there.")
@click.option("--explain", is_flag=True, help="Show first which ops cost the accuracy, and why.")
@workers_options
def search(output: Path, csv_file: Path | None, png_file: Path | None, explain: bool, measure_num: int, mode_high: str,
           jobs: int, dask: str | None, **options: Any) -> int:
    """Choose ops of MLIR that run in a wider format than INT8: the cheapest choice, in simulated cycles, that reaches a target.

    The noise of every rounding on the outputs is measured alone, in float, on a few samples; from that and the chip's estimates follow
    choices from nothing to everything. Some of them are compiled, for their cycles, and run in the chip's
    arithmetic on all samples, for the figure that counts. The chosen ops are written for `tpuc deploy --quantize_table`.
    Exit code 1 where no measured choice reaches the target; the best one is written then.
    """
    from tpuc_core.parallel import open_workers
    from tpuc_mix import report
    from tpuc_mix.measure import Measurer
    from tpuc_mix.search import candidates
    from tpuc_mix.search import search as run_search

    taken = [options[name] for name in ("mlir", "calibration_table", "data_list", "labels")]
    for file in filter(None, (output, csv_file, png_file)):
        taken.append(writable_file(file, taken))
    highs = _highs(mode_high, options["mode_low"])
    goal = _goal(options)
    task, sources = _task(options), _sources(options)
    with open_workers(jobs, dask) as workers:
        noise = _noise(task, sources[:options["sensitivity_num"]], highs, workers)
        if explain:
            _explain(noise, task, highs)
        measurer = Measurer(task, goal, sources, workers)
        click.echo(f"float: {goal.metric} {measurer.of_float:.6g} on {len(sources)} samples; wanted: at least {measurer.limit:.6g}")
        result = run_search(candidates(task, noise, highs), measurer, measure_num, lambda m: click.echo(_line(m, task)))
    click.echo(report.table(result, task.low))
    if csv_file is not None:
        report.write_csv(csv_file, result)
    if png_file is not None:
        report.write_png(png_file, result, task.top.name, goal.metric)
    chosen = result.best or max(result.measured, key=lambda m: m.value)
    report.write_qtable(output, task, chosen, f"{goal.metric} >= {result.limit:.6g}")
    click.echo(f"{output}: {report.words_of(chosen.choice, task.low)}, {goal.metric} {chosen.value:.6g}, {chosen.cycles:,} cycles")
    if result.best is None:
        click.echo("no measured choice reaches the target; this one comes nearest", err=True)
    return 0 if result.best is not None else 1


@click.command("attribute")
@task_options
@click.option("--quantize_table", type=PATH, help="Ops that run in other modes, as `tpuc search` writes them.")
@click.option("--most", type=click.IntRange(min=1), default=15, show_default=True, help="How many ops to show.")
@workers_options
def attribute(quantize_table: Path | None, most: int, jobs: int, dask: str | None, **options: Any) -> None:
    """Show which ops of MLIR cost the accuracy in INT8, and why: clipping, rounding of activations or of weights, a float format.

    Each of these roundings is put alone into the float model, and the noise that it makes on the outputs is measured; their sum is shown beside
    the noise of the whole model. The next command to try is shown.
    """
    from tpuc_core.parallel import open_workers
    from tpuc_core.quantization_table import precisions_for
    from tpuc_mix.attribution import advice, table
    from tpuc_mix.attribution import attribute as attributed

    task, sources = _task(options), _sources(options)
    choice = {} if quantize_table is None else precisions_for(quantize_table, task.top)
    formats = list(dict.fromkeys(choice.values()))
    with open_workers(jobs, dask) as workers:
        few = sources[:options["sensitivity_num"]]
        noise, measured = _noise(task, few, formats, workers), _noise_of_model(task, few, choice, workers)
    found = attributed(noise, choice)
    click.echo(table(found, most, measured))
    click.echo(advice(found, options["mlir"], options["calibration_table"], Precision.F16))


def _task(options: dict[str, Any]) -> Task:
    from tpuc_mix.task import Task

    low = _mode(options["mode_low"])
    if low is not Precision.INT8:
        raise TpucError(f"--mode_low {low}: only INT8 has wider formats to choose from")
    return Task(existing_file(options["mlir"]).absolute(), existing_file(options["calibration_table"]).absolute(), options["chip"], low,
                options["is_asymmetric"])


def _sources(options: dict[str, Any]) -> list[Source]:
    from tpuc_core.evaluate.scoring import Source, find_sources
    from tpuc_core.images import absolute_sample

    found = find_sources(options["dataset"], options["data_list"], options["labels"], options["input_num"], options["seed"])
    return [Source(absolute_sample(source.words), source.label) for source in found]


def _mode(word: str) -> Precision:
    if word.upper() not in list(Precision):
        raise unknown("mode", word, list(Precision))
    return Precision(word.upper())


def _highs(words: str, low: str) -> list[Precision]:
    highs = [_mode("F16" if word == "auto" else word) for word in split_words(words)]
    if not highs:
        raise TpucError("--mode_high names no mode to choose from; valid: F16, BF16, F32")
    if _mode(low) in highs:
        raise TpucError(f"--mode_high {words}: {low} is what ops run in already; valid: F16, BF16, F32")
    return highs


def _goal(options: dict[str, Any]) -> Goal:
    """What the target options ask for; top-1 is a part of 1 here, points are percent."""
    from tpuc_core.evaluate.metrics import load_metric
    from tpuc_mix.measure import Goal

    given = [name for name in ("target_cos", "target_top1_drop", "metric") if options[name] is not None]
    if len(given) > 1:
        raise TpucError(f"one target at a time: --{given[0]} or --{given[1]}")
    if options["metric"] is None:
        for name in ("figure", "target", "target_drop"):
            if options[name] not in (None, ""):
                raise TpucError(f"--{name} goes with --metric")
    else:
        load_metric(options["metric"])
        if (options["target"] is None) == (options["target_drop"] is None):
            raise TpucError("--metric needs what it should reach: --target VALUE, or --target_drop against float")
        return Goal(options["metric"], options["figure"], options["target"], options["target_drop"])
    if options["target_top1_drop"] is not None:
        return Goal("top1", drop=options["target_top1_drop"] / 100)
    least = 0.99 if options["target_cos"] is None else options["target_cos"]
    if not -1.0 <= least <= 1.0:
        raise TpucError(f"--target_cos {least:g} is no cosine similarity: at most 1")
    return Goal("cosine", least=least)


def _noise(task: Task, sources: Sequence[Source], formats: Sequence[Precision], workers: Workers) -> Noise:
    from tpuc_core.progress import progress
    from tpuc_mix.noise import Noise, NoiseOfSample

    work = NoiseOfSample(task, tuple(formats))
    words = [source.words for source in sources]
    return Noise.mean(task, list(progress(workers.map(work, words), "sensitivity", len(words))))


def _noise_of_model(task: Task, sources: Sequence[Source], choice: Choice, workers: Workers) -> float:
    from tpuc_mix.noise import NoiseOfModel

    powers = list(workers.map(NoiseOfModel(task, tuple(choice.items())), [source.words for source in sources]))
    return sum(powers) / len(powers)


def _explain(noise: Noise, task: Task, highs: Sequence[Precision]) -> None:
    from tpuc_mix.attribution import advice, attribute, table

    found = attribute(noise, {})
    click.echo(table(found, 15))
    click.echo(advice(found, task.mlir.name, task.table.name, highs[0]))


def _line(measured: Measured, task: Task) -> str:
    from tpuc_mix.report import words_of

    return f"measured: {words_of(measured.choice, task.low)}: {measured.value:.6g}, {measured.cycles:,} cycles"
