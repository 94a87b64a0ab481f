"""`tpuc run`."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

import click

from tpuc_core.cli.preprocessing import split_words
from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file, writable_file
from tpuc_core.plugins import plugins

if TYPE_CHECKING:
    import numpy as np

    from tpuc_core.session import Session


@click.command("run")
@click.option("--model", "model_file", required=True, help="The model: .onnx, .mlir, .bmodel, ...")
@click.option("--weight", help="Its weights, for formats that keep them apart (.caffemodel); by default the file of the model's name beside it.")
@click.option("--input", "words", required=True, help="The inputs: .npz by name, or pictures, .npy (commas between), random[:SEED].")
@click.option("--output", default="_output.npz", show_default=True, help="The .npz to write.")
@click.option("--dump_all_tensors", is_flag=True, help="Write every tensor, not only the outputs.")
@click.option("--out_fixed", is_flag=True, help="Write quantized tensors as stored integers, not as real values.")
@click.option("--runner", help="Which runner, where several open such files; `tpuc plugins` lists them.")
@click.option("--profile", is_flag=True, help="Show where the time goes on the chip.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="Form of the profile.")
def run(model_file: str, weight: str | None, words: str, output: str, dump_all_tensors: bool, out_fixed: bool, runner: str | None, profile: bool,
        form: str) -> None:
    """Run a model file on an input .npz and write its outputs by name.

    Inputs are float32 real values, or stored values of a quantized input. A single input may have any name.
    """
    from tpuc_core.npz import save_npz

    path = existing_file(model_file)
    writable_file(output, [path, weight, *split_words(words)])
    session = plugins().open(path, runner, None if weight is None else existing_file(weight))
    profile_of = getattr(session, "profile", None)
    if profile and profile_of is None:
        raise TpucError(f'there is no profile of "{path}": give a compiled file')
    outputs = session.run(_inputs_of(session, split_words(words)), all_tensors=dump_all_tensors, dequantize=not out_fixed)
    save_npz(output, outputs)
    click.echo(f"{output}: {len(outputs)} tensors", err=profile and form == "json")
    if profile and profile_of:
        click.echo(_profile_text(profile_of(), form))


def _inputs_of(session: Session, words: list[str]) -> dict[str, np.ndarray]:
    from tpuc_core.images import Preprocessing, load_inputs

    attributes = getattr(session, "preprocessing", None)
    preprocessing = None if attributes is None else Preprocessing.from_attributes(attributes)
    shapes = {i.name: i.shape for i in session.inputs}
    return load_inputs(words, shapes, {name: preprocessing for name, shape in shapes.items() if len(shape) in (3, 4)})


def _profile_text(profile: Any, form: str) -> str:
    """A profile is a dataclass with a method `table`, or a list of rows (dicts), or several such lists by title."""
    if form == "json":
        return json.dumps(asdict(profile) if is_dataclass(profile) else profile, indent=2)
    if hasattr(profile, "table"):
        return profile.table()
    from tabulate import tabulate

    sections = profile if isinstance(profile, dict) else {"": profile}
    parts = []
    for title, rows in sections.items():
        rows = [rows] if isinstance(rows, dict) else rows
        table = tabulate(rows, headers="keys", intfmt=",") if isinstance(rows, list) else str(rows)
        parts.append(f"{title}\n{table}" if title else table)
    return "\n\n".join(parts)


