"""`tpuc npz dump | compare | extract | rename | insert | to_npy`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.files import whole_file, writable_file
from tpuc_core.npz.archive import load_npz, save_npz, tensor_of

if TYPE_CHECKING:
    from tpuc_core.npz.compare import Report


@click.command()
@click.argument("file")
@click.argument("name", required=False)
@click.argument("k", required=False, type=click.IntRange(min=1))
@click.option("--list", "only_list", is_flag=True, help="The list of tensors (as without NAME).")
def dump(file: str, name: str | None, k: int | None, only_list: bool) -> None:
    """Show the tensors of an npz FILE; with NAME one of them; with K its K largest elements."""
    from tpuc_core.npz.dump import describe, list_lines, top_k_lines

    tensors = load_npz(file)
    if name is None or only_list:
        lines = list_lines(tensors)
    else:
        tensor = tensor_of(tensors, name, file)
        lines = describe(tensor) if k is None else top_k_lines(tensor, k)
    for line in lines:
        click.echo(line)


@click.command()
@click.argument("target")
@click.argument("reference")
@click.option("--tolerance", default="0.99,0.99", show_default=True, help="Least cosine and euclidean similarity.")
@click.option("-v", "--verbose", count=True, help="Figures of every tensor; twice: the largest elements of failed ones.")
@click.option("--excepts", default="-", help="Names to leave out, separated by commas.")
@click.option("--int8_tensor_close", type=click.IntRange(0, 1), default=1, show_default=True,
              help="0: int8 tensors must be equal.")
@click.option("-s", "--save", "csv", default=None, help="Write the figures as csv.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output form.")
def compare(target: str, reference: str, tolerance: str, verbose: int, excepts: str, int8_tensor_close: int,
            csv: str | None, form: str) -> int:
    """Compare the tensors of TARGET with those of the same names in REFERENCE. Exit code 1 when one fails."""
    from tpuc_core.npz.compare import Tolerance, top_rows
    from tpuc_core.npz.compare import compare as compare_tensors

    limits = Tolerance.parse(tolerance)
    if csv:
        writable_file(csv, [target, reference])
    targets, references = load_npz(target), load_npz(reference)
    report = compare_tensors(targets, references, *limits, excepts=[e for e in excepts.split(",") if e != "-"],
                                     is_int8_similar=bool(int8_tensor_close))
    if csv:
        _write_csv(csv, report)
    if form == "json":
        click.echo(json.dumps(report.as_json(), indent=2))
        return 0 if report.passed else 1
    for comparison in report.comparisons:
        click.echo("\n".join(comparison.lines(verbose)))
        if verbose > 1 and not comparison.passed:
            click.echo("\n".join(top_rows(targets[comparison.name], references[comparison.name])))
    click.echo("\n".join([*report.summary(), f"Target    {target}", f"Reference {reference}",
                          f"npz compare {'PASSED' if report.passed else 'FAILED'}."]))
    return 0 if report.passed else 1


def _write_csv(path: str, report: Report) -> None:
    with whole_file(path) as temporary:
        rows = ["name, pass, sim_cos, sim_euc, sqnr"]
        rows += [f"{c.name}, {c.passed}, {c.cosine}, {c.euclidean}, {c.sqnr}" for c in report.comparisons]
        temporary.write_text("\n".join(rows) + "\n")


@click.command()
@click.argument("source")
@click.argument("output")
@click.argument("names")
def extract(source: str, output: str, names: str) -> None:
    """Copy the tensors NAMES (separated by commas) of SOURCE to a new npz OUTPUT."""
    writable_file(output, [source])
    tensors = load_npz(source)
    save_npz(output, {name: tensor_of(tensors, name, source) for name in names.split(",")})


@click.command()
@click.argument("file")
@click.argument("old")
@click.argument("new")
def rename(file: str, old: str, new: str) -> None:
    """Rename the tensor OLD of FILE to NEW."""
    tensors = load_npz(file)
    tensor_of(tensors, old, file)
    if new in tensors and new != old:
        raise TpucError(f'"{file}" has a tensor "{new}" already')
    save_npz(file, {new if name == old else name: tensor for name, tensor in tensors.items()})


@click.command()
@click.argument("file")
@click.argument("source")
@click.argument("names")
def insert(file: str, source: str, names: str) -> None:
    """Copy the tensors NAMES (separated by commas) of the npz SOURCE into FILE, in place of those of the same name."""
    tensors, others = load_npz(file), load_npz(source)
    tensors.update({name: tensor_of(others, name, source) for name in names.split(",")})
    save_npz(file, tensors)


@click.command("to_npy")
@click.argument("file")
@click.argument("name")
@click.option("-o", "--output", default=None, help="The .npy to write; default: NAME.npy.")
def to_npy(file: str, name: str, output: str | None) -> None:
    """Write the tensor NAME of FILE as .npy."""
    path = writable_file(output or f"{name.replace('/', '_')}.npy", [file])
    tensor = tensor_of(load_npz(file), name, file)
    with whole_file(path) as temporary, temporary.open("wb") as stream:  # a path would get the suffix .npy
        np.save(stream, tensor)
