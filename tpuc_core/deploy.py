"""From a `top` model to a chip's file, and the proof of that file. `tpuc deploy` is this with options and prints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tpuc_core.certify import Proof, certificate, file_sha256, prove, section
from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file, writable_file
from tpuc_core.plan import Plan
from tpuc_core.plugins import plugins
from tpuc_core.quantization_table import precisions_for

if TYPE_CHECKING:
    from tpuc_core.hookspecs import Chip
    from tpuc_core.ir import Model
    from tpuc_core.npz import Report
    from tpuc_core.session import Session, Tensors

DEFAULT_INPUT = "random:0"
DEFAULT_TOLERANCE = {"F32": (0.99, 0.99), "F16": (0.99, 0.93), "BF16": (0.99, 0.87), "INT8": (0.90, 0.80)}
FLOAT_MODES = {"F32", "F16", "BF16"}


@dataclass(frozen=True)
class Job:
    """What to build: a `top` model, how it is quantized, for which chip, and where the file goes."""

    mlir: Path
    bmodel: Path
    chip: str
    mode: str = "F32"
    calibration_table: Path | None = None
    quantization_table: Path | None = None
    is_asymmetric: bool = False
    quant_input: bool = False
    quant_output: bool = False

    def sources(self) -> dict[str, Path]:
        """The files that the result depends on, by role."""
        files = {"mlir": self.mlir, "calibration_table": self.calibration_table, "quantization_table": self.quantization_table}
        return {role: path for role, path in files.items() if path is not None}


@dataclass
class Build:
    """What was built: models at three stages, the plan, hashes of the sources, and the files written."""

    job: Job
    top: Model
    plan: Plan
    lowered: Model
    final: Model
    chip: Chip
    source_hashes: dict[str, str]
    files: list[Path] = field(default_factory=list)


@dataclass
class Validation:
    """The float comparison, the names of the model's outputs in it, the proof, and the session of the compiled file."""

    test: Test
    report: Report
    outputs: frozenset[str]
    proof: Proof
    session: Session


def build(job: Job, top: Model) -> Build:
    """Plan, lower, compile, and write the file with the models of the way beside it. `top` is the job's, see `load_top`.

    Raises TpucError: an unknown chip or mode, what the quantizer or the chip cannot do, files that cannot be written.
    """
    from tpuc_core.ir import save_model

    chip, quantizer = plugins().chip(job.chip), plugins().quantizer(job.mode)
    overrides = precisions_for(job.quantization_table, top) if job.quantization_table else {}
    plan = quantizer.plan(top, chip, job.mode.upper(), is_asymmetric=job.is_asymmetric, overrides=overrides)
    lowered = chip.lower(top, plan, quant_input=job.quant_input, quant_output=job.quant_output)
    stem = job.bmodel.with_name(prefix(job, top))
    hashes = source_hashes(job, top, plan)
    files = [Path(f"{stem}_tpu.mlir"), Path(f"{stem}_final.mlir"), job.bmodel]
    save_model(lowered, files[0], f"{stem.name}_tpu_weights.npz")
    final = chip.compile(lowered, job.bmodel, section(top, plan, sources=hashes))
    save_model(final, files[1], f"{stem.name}_final_weights.npz")
    return Build(job, top, plan, lowered, final, chip, hashes, files)


def source_hashes(job: Job, top: Model, plan: Plan) -> dict[str, str]:
    """sha256 of what the result depends on, by role: the job's files, the model's weights, the plan."""
    hashes = {role: file_sha256(path) for role, path in job.sources().items()}
    weights = job.mlir.parent / (top.get_attribute("weight_file") or "")
    if weights.is_file():
        hashes["weights"] = file_sha256(weights)
    hashes["plan"] = hashlib.sha256(json.dumps(plan.as_json(), sort_keys=True).encode()).hexdigest()
    return hashes


def load_top(job: Job) -> Model:
    """The job's model, calibrated where a table is given.

    Raises TpucError: an unknown chip or mode, missing files, a model that is wrong in itself or lowered already.
    """
    from tpuc_core.ir import State, load_model, problems

    plugins().chip(job.chip)
    plugins().quantizer(job.mode)
    for path in job.sources().values():
        existing_file(path)
    top = load_model(job.mlir)
    for problem in problems(top):
        raise TpucError(f'"{job.mlir}": {problem}') from problem
    if top.state not in (State.TOP_F32, State.TOP_CALIBRATED, State.TOP_QUANTIZED):
        raise TpucError(f'"{job.mlir}" is in state {top.state}: deploy takes a model as "tpuc transform" makes it (TOP_F32)')
    needs_ranges = job.mode.upper() not in FLOAT_MODES or job.quantization_table is not None
    if job.calibration_table is not None and top.state is State.TOP_QUANTIZED:
        raise TpucError(f'"{job.mlir}" is quantized already: it takes no calibration table')
    if job.calibration_table is not None and needs_ranges:
        _import_calibration(top, job)
    return top


def _import_calibration(top: Model, job: Job) -> None:
    from tpuc_core.passes import run_passes
    from tpuc_core.passes.import_calibration_table import ImportCalibrationTable

    run_passes(top, [ImportCalibrationTable(file=str(job.calibration_table), asymmetric=job.is_asymmetric)])


def check_output(job: Job, others: Iterable[str | Path | None]) -> None:
    """Raises TpucError: the result cannot be written there, is one of the files that are read (`others` beside the job's), or has the
    suffix of another kind of file than those that chips make."""
    writable_file(job.bmodel, [*job.sources().values(), *others])
    made = {suffix for runner in plugins().runners for suffix in runner.suffixes} - {".mlir"}
    made -= {suffix for frontend in plugins().frontends for suffix in frontend.suffixes}
    if job.bmodel.suffix.lower() not in made:
        raise TpucError(f'--model "{job.bmodel}" should be a {" or ".join(sorted(made))} file')


def load_reference(top: Model, path: Path, excepts: Collection[str]) -> Tensors:
    """Float tensors of the model, made elsewhere. Raises TpucError: the file has none of those that are compared."""
    from tpuc_core.ir import tensor_name
    from tpuc_core.npz import load_npz

    reference = load_npz(path)
    names = {tensor_name(result) for op in (*top.inputs, *top.ops()) for result in op.results}
    if not names & reference.keys() - set(excepts):
        raise TpucError(f'nothing to compare: "{path}" has no tensor of model "{top.name}" that --excepts does not leave out')
    return reference


def prefix(job: Job, top: Model) -> str:
    """The start of the names of the files beside the result: "resnet18_bm1684x_int8_sym"."""
    from tpuc_core.ir import State

    is_asymmetric = job.is_asymmetric or top.state is State.TOP_QUANTIZED
    symmetry = {"INT8": "_asym" if is_asymmetric else "_sym"}.get(job.mode.upper(), "")
    return f"{top.name}_{job.chip}_{job.mode}{symmetry}".lower()


@dataclass(frozen=True)
class Test:
    """What a file is tested on: inputs by name, the words that they come from, float tensors to compare with (by default those
    of an evaluation), the least cosine and euclidean similarity (by default the mode's), and tensors to leave out of that."""

    inputs: Tensors
    words: str
    reference: Tensors | None = None
    tolerance: tuple[float, float] | None = None
    excepts: Collection[str] = ()


def validate(built: Build, test: Test) -> Validation:
    """Compare the interpreter with float within a tolerance, and with the compiled file bit for bit."""
    from tpuc_core.ir import tensor_name
    from tpuc_core.npz import compare
    from tpuc_core.run_mlir import open_model

    inputs = test.inputs
    wanted = test.reference or open_model(built.top).run(inputs, all_tensors=True)
    interpreter = built.chip.interpret(built.lowered)
    interpreted = interpreter.run(inputs, all_tensors=True, dequantize=False)
    tolerance = test.tolerance or DEFAULT_TOLERANCE.get(built.job.mode.upper(), (0.90, 0.80))
    report = compare(dequantized(interpreted, built.lowered), wanted, *tolerance, excepts=test.excepts)
    session = plugins().runner(built.job.bmodel.suffix).open(built.job.bmodel)
    simulated = session.run(inputs, all_tensors=True, dequantize=False)
    proof = prove(interpreted, simulated, _op_names(built.lowered), [info.name for info in interpreter.inputs])
    return Validation(test, report, frozenset(map(tensor_name, built.top.outputs)), proof, session)


def load_inputs_of(model: Model, words: Sequence[str]) -> Tensors:
    """Inputs for a `top` model out of what a user wrote, see tpuc_core.images.load_inputs."""
    from tpuc_core.images import load_inputs
    from tpuc_core.run_mlir import preprocessing_of

    inputs = preprocessing_of(model)
    shapes = {name: shape for name, (shape, _) in inputs.items()}
    return load_inputs(words, shapes, {name: preprocessing for name, (_, preprocessing) in inputs.items()})


def dequantized(stored: Tensors, model: Model) -> Tensors:
    """Real values of stored tensors, by the quantization that the model gives them."""
    import numpy as np

    from tpuc_core.ir import quantization_of, tensor_name

    values = [result for op in (*model.inputs, *model.ops()) for result in op.results]
    quantizations = {tensor_name(value): q for value in values if (q := quantization_of(value)) is not None}
    real = {}
    for name, array in stored.items():
        q = quantizations.get(name)
        real[name] = array if q is None else (array.astype(np.float32) - q.zero_point) * np.float32(q.scale)
    return real


def _op_names(model: Model) -> dict[str, str]:
    from tpuc_core.ir import tensor_name

    return {tensor_name(result): op.name for op in model.ops() for result in op.results}


def certify(built: Build, validation: Validation) -> None:
    """Write the certificate into the compiled file."""
    test = validation.test
    data = certificate(validation.proof, validation.report, sources=built.source_hashes, inputs=test.inputs, input_words=test.words)
    built.chip.attach_certificate(built.job.bmodel, data, test.inputs)
