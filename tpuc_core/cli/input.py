"""`tpuc input`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from tpuc_core.cli.preprocessing import Shapes, given, preprocessing_options
from tpuc_core.errors import TpucError


@click.command("input")
@click.argument("images", nargs=-1, required=True)
@click.option("--mlir", help="The model whose preprocessing and input shapes to take.")
@click.option("--input_shapes", type=Shapes(), help="In place of --mlir: the shape of the one input, called \"input\".")
@preprocessing_options
@click.option("-o", "--output", required=True, help="The .npz to write.")
def make_input(images: tuple[str, ...], mlir: str | None, input_shapes: list[list[int]] | None, output: str, **rest: Any) -> None:
    """Make an input .npz out of IMAGES (or .npy, .npz, random[:SEED]).

    The model says how; preprocessing options given here win over it. Several images fill the batch of a model with one input.
    """
    from tpuc_core.images import Preprocessing, load_inputs
    from tpuc_core.npz import save_npz

    fields = given(rest)
    if mlir:
        from tpuc_core.ir import load_model
        from tpuc_core.run_mlir import preprocessing_of

        inputs = preprocessing_of(load_model(mlir))
    elif input_shapes and len(input_shapes) == 1:
        inputs = {"input": (tuple(input_shapes[0]), Preprocessing(**fields))}
    else:
        raise TpucError("give --mlir, or the one shape of the input with --input_shapes")
    shapes = {name: shape for name, (shape, _) in inputs.items()}
    preprocessing = {name: None if p is None else replace(p, **fields) for name, (_, p) in inputs.items()}
    arrays = load_inputs(images, shapes, preprocessing)
    save_npz(output, arrays)
    for name, array in arrays.items():
        click.echo(f"{output}: {name} {list(array.shape)} {array.dtype}")
