"""`tpuc dataset list`."""

from __future__ import annotations

from pathlib import Path

import click

from tpuc_core.files import whole_file


@click.command("list")
@click.argument("folder")
@click.option("--input_num", type=click.IntRange(min=0), default=0, help="How many to choose; 0 for all.  [default: 0]")
@click.option("--seed", type=int, default=1684, show_default=True, help="Decides which ones, and their order.")
@click.option("-o", "--output", required=True, help="The list to write, one path a line.")
def list_images(folder: str, input_num: int, seed: int, output: str) -> None:
    """Choose samples (pictures, .npz, .npy) below FOLDER at random and write them as a list for --data_list.

    The same folder, number and seed give the same list.
    """
    from tpuc_core.images import list_samples

    samples = list_samples(Path(folder), input_num, seed)
    with whole_file(output) as path:
        path.write_text("".join(f"{sample}\n" for sample in samples), encoding="utf-8")
    click.echo(f"{output}: {len(samples)} samples")
