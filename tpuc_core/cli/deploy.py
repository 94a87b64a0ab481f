"""`tpuc deploy`: from a `top` model to a chip's file with its proof."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tpuc_core.plugins import plugins

if TYPE_CHECKING:
    from tpuc_core.deploy import Build, Validation

PATH = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--mlir", required=True, type=PATH, metavar="FILE", help="The model, as `tpuc transform` makes it.")
@click.option("--chip", "--processor", "chip", required=True, metavar="NAME", help="The chip to compile for, such as bm1684x.")
@click.option("--model", "bmodel", required=True, type=PATH, metavar="FILE", help="The file to make.")
@click.option("--quantize", "mode", default="F32", metavar="MODE", help="F32, F16, BF16 or INT8.")
@click.option("--calibration_table", type=PATH, metavar="FILE", help="Ranges, as `tpuc calibrate` writes them; INT8 needs it.")
@click.option("--quantize_table", "quantization_table", type=PATH, metavar="FILE",
              help="Lines NAME MODE: ops that run in another mode.")
@click.option("--asymmetric", "is_asymmetric", is_flag=True, help="Quantize with zero points.")
@click.option("--quant_input", is_flag=True, help="Inputs of the file are what the first op takes: 8-bit integers, or 16-bit floats.")
@click.option("--quant_output", is_flag=True, help="Outputs of the file are what the last op gives: 8-bit integers, or 16-bit floats.")
@click.option("--test_input", metavar="WORDS", help="An npz, images (comma separated), or random[:SEED]. Default: random:0.")
@click.option("--test_reference", type=PATH, metavar="NPZ", help="Float tensors to compare with, in place of an evaluation.")
@click.option("--tolerance", metavar="COSINE,EUCLIDEAN",
              help="Least similarity to float. Default: 0.99,0.99 (F32), 0.99,0.93 (F16), 0.99,0.87 (BF16), 0.90,0.80 (INT8).")
@click.option("--excepts", default="", metavar="NAMES", help="Tensors (comma separated) not to compare with float.")
@click.option("--skip_validation", is_flag=True, help="Only build: no comparison, no certificate.")
@click.option("--compare_all", is_flag=True, help="Accepted for the established tool's sake: every tensor is always compared.")
def deploy(test_input: str | None, test_reference: Path | None, tolerance: str | None, excepts: str, skip_validation: bool,
           compare_all: bool, **job: Any) -> int:
    """Quantize, compile and prove a model.

    The file is run in the simulator, and every tensor compared bit for bit with the interpreter; the result goes into the file as
    its certificate. Exit code 1 where a tensor differs, or is less similar to float than the tolerance says; without --test_input
    and --tolerance the similarity is shown but not judged, since random values are not what the model was calibrated on.
    """
    from tpuc_core.deploy import (
        DEFAULT_INPUT,
        Job,
        Test,
        build,
        certify,
        check_output,
        load_inputs_of,
        load_reference,
        load_top,
        validate,
    )
    from tpuc_core.host_ops import end_before_host_ops
    from tpuc_core.npz import Tolerance

    limits = Tolerance.parse(tolerance) if tolerance else None
    wanted = Job(**job)
    words = (test_input or DEFAULT_INPUT).split(",")
    check_output(wanted, [test_reference, *words])
    top = load_top(wanted)
    if ended := end_before_host_ops(top, plugins().chip(wanted.chip)):
        click.echo(ended)
    inputs = {} if skip_validation else load_inputs_of(top, words)
    left_out = [name for name in excepts.split(",") if name not in ("", "-")]
    reference = load_reference(top, test_reference, left_out) if test_reference else None
    built = build(wanted, top)
    print_plan(built)
    if skip_validation:
        print_files(built)
        return 0
    validation = validate(built, Test(inputs, ",".join(words), reference, limits, left_out))
    if validation.proof.holds:
        certify(built, validation)
    is_judged = test_input is not None or tolerance is not None
    print_validation(validation, is_default_input=test_input is None, is_judged=is_judged)
    print_files(built)
    return 0 if validation.proof.holds and (validation.report.passed or not is_judged) else 1


def print_plan(built: Build) -> None:
    """How many ops run in which precision, and the table of those that do not run in the mode."""
    from tpuc_core.plan import fallback_table

    counts = Counter(op.precision.value for op in built.plan.ops.values())
    click.echo("plan: " + ", ".join(f"{count} ops in {precision}" for precision, count in counts.most_common()))
    if table := fallback_table(built.plan):
        click.echo(table)


def print_validation(validation: Validation, *, is_default_input: bool, is_judged: bool) -> None:
    """The similarity to float, the proof, and cycles where the session knows them; failures in full where they are judged."""
    report, proof = validation.report, validation.proof
    if is_default_input:
        click.echo(f"input: {validation.test.words} (standard normal values; give real data with --test_input)")
    least, of_outputs = report.min_similarity, ""
    if any(compared.name in validation.outputs for compared in report.comparisons):
        of_outputs = ", of the outputs {:.6f}, {:.6f}".format(*report.least_similarity(validation.outputs))
    verdict = "within" if report.passed else "NOT within" if is_judged else "(random input, not judged) below"
    click.echo(f"float: {len(report.comparisons)} tensors compared, least similarity {least[0]:.6f}, {least[1]:.6f}{of_outputs}: "
               f"{verdict} {report.tolerance.cosine:g},{report.tolerance.euclidean:g}")
    for failure in report.failures if is_judged else ():
        click.echo("\n".join(failure.lines(1)))
    click.echo(f"proof: {len(proof.tensors)} tensors, {proof.equal_count} equal bit for bit (interpreter = simulator)")
    for difference in proof.differences:
        click.echo(f"  {difference}")
    for note in getattr(validation.session, "notes", ()):
        click.echo(f"note: {note}")
    profile = getattr(validation.session, "profile", None)
    if profile is not None:
        click.echo(f"time: {profile().total_cycles:,} cycles estimated")


def print_files(built: Build) -> None:
    """Where each file lies."""
    for path in built.files:
        click.echo(f"wrote {path}")


