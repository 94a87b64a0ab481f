"""`tpuc calibrate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tpuc_core.cli.workers import workers_options
from tpuc_core.errors import TpucError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tpuc_calibration.partial import Partial
    from tpuc_calibration.table import Bounds
    from tpuc_calibration.tune import Tuned
    from tpuc_core.parallel import Workers
    from tpuc_core.passes.calibration_table import CalibrationTable

SAVE_EVERY = 25


@dataclass(frozen=True)
class Options:
    """What the user asked for; the fields are the options of the command."""

    files: tuple[str, ...]
    output: str
    data_list: str | None = None
    dataset: str | None = None
    input_num: int = 0
    seed: int = 1684
    method: str = "kl"
    percentile: float = 99.99
    clip_range: bool = False
    resume: bool = False
    save_every: int = SAVE_EVERY
    shard: str | None = None
    is_merge: bool = False
    tune: int = 0
    tune_list: str | None = None
    chip: str = "bm1684x"
    jobs: int = 1
    dask: str | None = None

    @property
    def checkpoint(self) -> str:
        """Where unfinished statistics are kept."""
        return f"{self.output}.checkpoint"

    @property
    def method_words(self) -> str:
        """The method with its parameter."""
        return f"{self.method} {self.percentile:g}" if self.method == "percentile" else self.method

    def shard_numbers(self) -> tuple[int, int]:
        """Which shard of how many. Raises TpucError."""
        number, slash, count = (self.shard or "1/1").partition("/")
        if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise TpucError(f'--shard "{self.shard}" should be a number, a slash and how many shards there are, '
                            "such as 1/2")
        return int(number), int(count)


@click.command("calibrate")
@click.argument("files", nargs=-1, required=True, metavar="MLIR")
@click.option("--data_list",
              help="A file with one sample a line: an image, .npy or .npz; commas between several inputs.")
@click.option("--dataset", help="In its place: a folder of images, .npy or .npz, of which some are taken at random.")
@click.option("--input_num", type=click.IntRange(min=0), default=0, show_default=True, help="How many samples; 0: all.")
@click.option("--seed", type=int, default=1684, show_default=True,
              help="Decides which samples of a --dataset are taken.")
@click.option("--method", "--cali_method", "method", default="kl", show_default=True,
              help="How thresholds are found: kl, mse, percentile, max, aciq_gauss, aciq_laplace, one of a plugin, or "
                   "auto: of each tensor the one that hurts its consumers least.")
@click.option("--percentile", type=float, default=99.99, show_default=True,
              help="How many percent of the values that method keeps.")
@click.option("--clip_range", is_flag=True,
              help="No minimum and maximum beyond the threshold, for asymmetric quantization.")
@click.option("--resume", is_flag=True, help="Go on where a run with the same output was killed.")
@click.option("--checkpoint", "save_every", type=click.IntRange(min=0), default=SAVE_EVERY, show_default=True,
              help="Keep what was gathered, beside the output, after so many samples; 0: never.")
@click.option("--shard", metavar="K/N", help="Only every N-th sample from the K-th on; the output is for --merge.")
@click.option("--merge", "is_merge", is_flag=True,
              help="Make the table of what all shards wrote: their files in place of MLIR.")
@click.option("--tune", "--tune_num", "tune", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
              help="Then refine the thresholds on N samples, the first ones; what each tensor gained goes to "
                   "OUTPUT.tune.csv.")
@click.option("--tune_list", metavar="FILE", help="Take those N samples from this list instead.")
@click.option("--chip", "--processor", "chip", default="bm1684x", show_default=True,
              help="In whose arithmetic tuning measures outputs.")
@workers_options
@click.option("-o", "--output", "--calibration_table", "output", required=True, help="The table to write.")
def calibrate(**options: Any) -> None:
    """Evaluate MLIR on samples, and write threshold, minimum and maximum of every tensor.

    Images become inputs as the model's preprocessing says. The table does not depend on the order of the samples, on
    how they were spread, or on interruptions, and has no time stamp: the same samples give the same file.
    """
    from tpuc_calibration.methods import method_name
    from tpuc_calibration.partial import merged
    from tpuc_core.files import writable_file
    from tpuc_core.parallel import open_workers

    given = Options(**{**options, "method": method_name(options["method"])})
    writable_file(given.output, [*given.files, given.data_list, given.tune_list])
    _check(given)
    with open_workers(given.jobs, given.dask) as workers:
        partial = merged(given.files) if given.is_merge else _gather(given, workers)
        if given.shard:
            partial.save(given.output)
            click.echo(f"{given.output}: shard {given.shard}, {len(partial.tensors)} tensors, {partial.done} samples")
        else:
            _write_table(given, partial, workers)
    Path(given.checkpoint).unlink(missing_ok=True)


def _check(given: Options) -> None:
    """Raise TpucError for what can be known before any work."""
    from tpuc_calibration.methods import AUTO, threshold_method
    from tpuc_core.plugins import plugins

    if given.method != AUTO:
        threshold_method(given.method, given.percentile)
    given.shard_numbers()
    if given.tune:
        plugins().chip(given.chip)
    if given.tune_list is not None and not given.tune:
        raise TpucError("--tune_list needs --tune: on how many of its samples thresholds are refined")
    if given.tune and given.shard:
        raise TpucError("a shard cannot be tuned by itself: give --tune with --merge")
    if given.is_merge:
        forbidden = {"data_list": None, "dataset": None, "shard": None, "resume": False}
        if wrong := [name for name, absent in forbidden.items() if getattr(given, name) != absent]:
            raise TpucError(f"--merge takes the files that --shard wrote, and no --{wrong[0]}")
    elif (given.data_list is None) == (given.dataset is None):
        raise TpucError("give the samples: either --data_list or --dataset")
    elif len(given.files) != 1:
        raise TpucError(f"{len(given.files)} files were given, where one model is wanted; "
                        "for files of shards add --merge")


def _gather(given: Options, workers: Workers) -> Partial:
    """The statistics of the samples; what was gathered is in the checkpoint when this is interrupted."""
    from tpuc_calibration.collect import collect, run_of
    from tpuc_calibration.partial import Partial

    partial = Partial(run_of(given.files[0], _samples(given), given.shard_numbers()))
    _tuning_samples(given, partial.run.samples)  # refused now rather than at the end
    checkpoint = Path(given.checkpoint)
    if checkpoint.exists():
        partial = _resumed(given, partial)
    for gathered in collect(partial, workers, given.save_every):
        gathered.save(checkpoint)
    return partial


def _resumed(given: Options, fresh: Partial) -> Partial:
    from tpuc_calibration.partial import Partial

    if not given.resume:
        click.echo(f"{given.checkpoint} of an unfinished run is replaced; --resume would go on with it", err=True)
        return fresh
    found = Partial.load(given.checkpoint)
    if not found.run.is_part_of_the_same(fresh.run) or found.run.shard != fresh.run.shard:
        raise TpucError(f'"{given.checkpoint}" is of another run (model, samples or shard differ): '
                        "leave --resume out, or remove it")
    click.echo(f"{given.checkpoint}: goes on after {found.done} of {len(found.run.own_samples)} samples", err=True)
    return Partial(fresh.run, found.done, found.gathered)


def _write_table(given: Options, partial: Partial, workers: Workers) -> None:
    """Choose thresholds, tune them, write."""
    from tpuc_calibration.choose import chosen, tuned
    from tpuc_calibration.table import calibration_table, header_lines

    def table(thresholds: dict[str, float], tune_count: int = 0) -> CalibrationTable:
        header = header_lines(partial.run.name, given.method_words, partial.done, tune_count)
        return calibration_table(partial, thresholds, header, _bounds(given))

    samples = _tuning_samples(given, partial.run.samples)
    thresholds = chosen(partial, given.method, given.percentile, workers)
    if samples:
        result = tuned(partial, thresholds, samples, workers, table, given.chip)
        _report(given, result, len(samples))
        thresholds = result.thresholds
    table(thresholds, len(samples)).write(given.output)
    click.echo(f"{given.output}: {len(thresholds)} tensors, {given.method_words}, {partial.done} samples")


def _tuning_samples(given: Options, samples: Sequence[str]) -> list[str]:
    """The first of these, or of the list. Raises TpucError: there are not so many."""
    from tpuc_core.images import read_image_list

    samples = samples if given.tune_list is None else read_image_list(given.tune_list)
    if given.tune > len(samples):
        raise TpucError(f"--tune {given.tune} wants more samples than there are: {len(samples)}")
    return list(samples[: given.tune])


def _report(given: Options, result: Tuned, count: int) -> None:
    from tabulate import tabulate

    from tpuc_calibration.tune import HEADERS, rows, summary, write_report

    write_report(f"{given.output}.tune.csv", result)
    if result.changes:
        click.echo(tabulate(rows(result), HEADERS, disable_numparse=True, colalign=("left", *["right"] * 5, "left")))
    click.echo(summary(result, count))


def _bounds(given: Options) -> Bounds:
    from tpuc_calibration.table import clipped_bounds, observed_bounds, percentile_bounds

    if given.method == "percentile":
        return percentile_bounds(given.percentile)
    return clipped_bounds if given.clip_range else observed_bounds


def _samples(given: Options) -> list[str]:
    from tpuc_core.images import list_samples, read_image_list

    if given.dataset is not None:
        return list_samples(given.dataset, given.input_num, given.seed)
    assert given.data_list is not None
    samples = read_image_list(given.data_list)
    if given.input_num > len(samples):
        raise TpucError(f'"{given.data_list}" lists {len(samples)} samples, {given.input_num} were asked for')
    return samples[: given.input_num or None]
