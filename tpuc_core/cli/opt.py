"""`tpuc opt FILE --PASS... -o OUT`: passes on an .mlir file, in the order of the command line."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from tpuc_core.errors import TpucError

NOWHERE = "/dev/null"


class PassesCommand(click.Command):
    """A command whose help lists the passes of this installation."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section("Passes"):
            formatter.write_dl(_pass_rows())


@click.command(cls=PassesCommand, context_settings={"ignore_unknown_options": True})
@click.argument("file", required=False)
@click.argument("passes", nargs=-1, type=click.UNPROCESSED, metavar='[--PASS[="OPTION=VALUE ..."]]...')
@click.option("-o", "--output", metavar="OUT", help="The .mlir file to write; its weights go beside it. Without it the text is printed.")
@click.option("--list-passes", is_flag=True, help="List the passes with their options, and do nothing else.")
@click.option("-v", "--verbose", is_flag=True, help="Say what each pass took.")
def opt(file: str | None, passes: tuple[str, ...], output: str | None, list_passes: bool, verbose: bool) -> None:
    """Run passes on the model FILE, one after the other.

    Weights are written beside OUT under a name of their own: NAME_weight.npz for NAME.mlir.
    """
    if list_passes:
        for usage, summary in _pass_rows():
            click.echo(f"{usage}\n    {summary}")
        return
    words = [word for word in (file, *passes) if word is not None]
    files = [word for word in words if not word.startswith("--")]
    if len(files) != 1:
        raise click.UsageError("one .mlir file is wanted" + (f", not {len(files)}: {' '.join(files)}" if files else ""))
    run(Path(files[0]), [word for word in words if word.startswith("--")], output, verbose=verbose)


def run(file: Path, passes: Sequence[str], output: str | None, *, verbose: bool = False) -> None:
    """Load a model, run passes on it, write or print it. Raises TpucError."""
    from tpuc_core.ir import load_model, print_text, problems, save_model, verify
    from tpuc_core.passes import parse_passes, run_passes

    parsed = parse_passes(passes)
    model = load_model(file)
    for problem in problems(model):
        raise TpucError(f'"{file}": {problem}') from problem
    for each in parsed:
        begin = time.perf_counter()
        run_passes(model, [each])
        if verbose:
            click.echo(f"--{each.name}: {time.perf_counter() - begin:.3f} s", err=True)
    verify(model)
    if output == NOWHERE:
        return
    if output is None:
        click.echo(print_text(model.module), nl=False)
        return
    if Path(output).suffix != ".mlir":
        raise TpucError(f'the output "{output}" should be an .mlir file')
    names = [getattr(each, "weightFileName", "") for each in parsed]
    save_model(model, output, next(filter(None, reversed(names)), None))


def _pass_rows() -> list[tuple[str, str]]:
    from tpuc_core.passes.pipeline import available_passes, describe

    return [describe(each) for each in sorted(available_passes().values(), key=lambda p: p.name)]
