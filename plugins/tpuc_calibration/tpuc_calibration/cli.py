"""`tpuc calibrate`."""

from __future__ import annotations

import click

from tpuc_core.errors import TpucError
from tpuc_core.files import writable_file


@click.command("calibrate")
@click.argument("mlir")
@click.option("--data_list", help="A file with one sample a line: an image, .npy or .npz; commas between several inputs.")
@click.option("--dataset", help="In its place: a folder of images, .npy or .npz, of which some are taken at random.")
@click.option("--input_num", type=click.IntRange(min=0), default=0, show_default=True, help="How many samples; 0: all.")
@click.option("--cali_method", default="kl", show_default=True, help="How thresholds are found: kl, mse, max.")
@click.option("--seed", type=int, default=1684, show_default=True, help="Decides which samples of a --dataset are taken.")
@click.option("-o", "--output", "--calibration_table", "output", required=True, help="The table to write.")
def calibrate(mlir: str, data_list: str | None, dataset: str | None, input_num: int, cali_method: str, seed: int, output: str) -> None:
    """Evaluate MLIR on samples, and write threshold, minimum and maximum of every tensor.

    Images become inputs as the model's preprocessing says. The table does not depend on the order of the samples, and has
    no time stamp: the same samples give the same file.
    """
    from tpuc_calibration.collect import collect
    from tpuc_calibration.table import write_calibration_table
    from tpuc_calibration.thresholds import threshold_method
    from tpuc_core.ir import load_model

    method = threshold_method(cali_method)
    if (data_list is None) == (dataset is None):
        raise TpucError("give the samples: either --data_list or --dataset")
    writable_file(output)
    model = load_model(mlir)
    samples = _samples(data_list, dataset, input_num, seed)
    statistics = collect(model, samples)
    write_calibration_table(output, model.name, statistics, method, cali_method, len(samples))
    click.echo(f"{output}: {len(statistics)} tensors, {cali_method}, {len(samples)} samples")


def _samples(data_list: str | None, dataset: str | None, count: int, seed: int) -> list[str]:
    from tpuc_core.images import list_samples, read_image_list

    if dataset is not None:
        return list_samples(dataset, count, seed)
    assert data_list is not None
    samples = read_image_list(data_list)
    if count > len(samples):
        raise TpucError(f'"{data_list}" lists {len(samples)} samples, {count} were asked for')
    return samples[:count or None]
