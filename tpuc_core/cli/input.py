"""`tpuc input`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from tpuc_core.cli.preprocessing import Shapes, given, preprocessing_options
from tpuc_core.errors import TpucError
from tpuc_core.files import writable_file

if TYPE_CHECKING:
    from tpuc_core.images import Preprocessing
    from tpuc_core.images.doctor import Diagnosis

EXACT = 0.1
"""Grey levels that rounding of means and scales leaves."""
Inputs = dict[str, tuple[tuple[int, ...], "Preprocessing | None"]]


@click.command("input")
@click.argument("images", nargs=-1)
@click.option("--mlir", help="The model whose preprocessing and input shapes to take.")
@click.option("--input_shapes", type=Shapes(), help="In place of --mlir: the shape of the one input, called \"input\".")
@click.option("--check", metavar="NPZ", help="Make nothing: say whether this file is the preprocessing of the picture, and what differs.")
@preprocessing_options
@click.option("-o", "--output", help="The .npz to write.")
def make_input(images: tuple[str, ...], mlir: str | None, input_shapes: list[list[int]] | None, check: str | None, output: str | None,
               **rest: Any) -> int:
    """Make an input .npz out of IMAGES (or .npy, .npz, random[:SEED]).

    The model says how; preprocessing options given here win over it. Several images fill the batch of a model with one input.

    With --check, an .npz made elsewhere is compared with what the model's preprocessing makes of the one image; order of channels,
    mean, scale, size and crop that explain the difference are shown. Without an image it is only checked
    whether the values can be those of a picture. Exit code 1 where the file is not what the model wants.
    """
    inputs = _wanted_inputs(mlir, input_shapes, given(rest))
    if check is not None:
        return _check(check, images, inputs, mlir)
    if not images or output is None:
        raise click.UsageError("give IMAGES and the file to write with -o, or a file to look at with --check")
    _write(output, images, inputs, mlir)
    return 0


def _wanted_inputs(mlir: str | None, input_shapes: list[list[int]] | None, fields: dict[str, Any]) -> Inputs:
    from tpuc_core.images import Preprocessing

    if mlir:
        from tpuc_core.ir import load_model
        from tpuc_core.run_mlir import preprocessing_of

        inputs = preprocessing_of(load_model(mlir))
        return {name: (shape, None if p is None else replace(p, **fields)) for name, (shape, p) in inputs.items()}
    if input_shapes and len(input_shapes) == 1:
        return {"input": (tuple(input_shapes[0]), Preprocessing(**fields))}
    raise TpucError("give --mlir, or the one shape of the input with --input_shapes")


def _write(output: str, images: tuple[str, ...], inputs: Inputs, mlir: str | None) -> None:
    from tpuc_core.images import load_inputs
    from tpuc_core.npz import save_npz

    writable_file(output, [mlir, *images])
    arrays = load_inputs(images, {name: shape for name, (shape, _) in inputs.items()}, {name: p for name, (_, p) in inputs.items()})
    save_npz(output, arrays)
    for name, array in arrays.items():
        click.echo(f"{output}: {name} {list(array.shape)} {array.dtype}")


def _check(check: str, images: tuple[str, ...], inputs: Inputs, mlir: str | None) -> int:
    """Prints the verdict; the exit code."""
    from tpuc_core.images.doctor import diagnose, grid_diagnosis
    from tpuc_core.npz import load_npz

    pictures = {name: (shape, p) for name, (shape, p) in inputs.items() if p is not None}
    if len(pictures) != 1:
        raise TpucError(f"the model has {len(pictures)} inputs for pictures; a check needs one")
    if len(images) > 1:
        raise TpucError("give one picture to compare with")
    (name, (shape, preprocessing)), = pictures.items()
    assert preprocessing is not None
    arrays = load_npz(check)
    array = arrays.get(name, next(iter(arrays.values()))) if len(arrays) == 1 or name in arrays else None
    if array is None:
        raise TpucError(f'"{check}" has no array "{name}"; it has {", ".join(arrays) or "nothing"}')
    if array.dtype.kind not in "biuf":
        raise TpucError(f'"{check}" is {array.dtype}: real numbers are wanted')
    if not np.isfinite(array).all():
        raise TpucError(f'"{check}" has values that are not finite: it is no picture')
    if images:
        diagnosis = diagnose(array, images[0], preprocessing, shape)
    else:
        diagnosis = grid_diagnosis(array, preprocessing, shape)
    click.echo(_verdict(diagnosis, check, images[0] if images else None))
    if not diagnosis.is_equal and images and mlir is not None:
        click.echo(f"to make it as the model wants it: tpuc input {images[0]} --mlir {mlir} -o {Path(check).stem}_fixed.npz")
    return 0 if diagnosis.is_equal else 1


def _verdict(diagnosis: Diagnosis, file: str, picture: str | None) -> str:
    from tabulate import tabulate

    if diagnosis.is_equal and picture is None:
        return f"{file}: every value is a grey level under the model's mean and scale; give the picture to check the rest"
    if diagnosis.is_equal:
        return f"{file} is the model's preprocessing of {picture} (largest difference {diagnosis.remaining:.4f} grey levels)"
    of = "" if picture is None else f" of {picture}"
    far = "" if diagnosis.difference is None else f" (largest difference {diagnosis.difference:.1f} grey levels)"
    head = f"{file} is NOT the model's preprocessing{of}{far}"
    if not diagnosis.is_explained:
        return f"{head}, and nothing that was tried explains it (squared correlation {diagnosis.correlation:.2f}): " + (
            "is it of another picture?" if picture else "its values are not grey levels under any known mean and scale")
    rows = [(f.what, f.wanted, f.found) for f in diagnosis.findings]
    table = tabulate(rows, headers=("what differs", "the model", "the file"), disable_numparse=True)
    left = "exactly" if diagnosis.remaining <= EXACT else f"up to {diagnosis.remaining:.1f} grey levels"
    return f"{head}\n{table}\nthat explains it {left} (squared correlation {diagnosis.correlation:.6f})"
