"""Conformance cases for plugin authors: each takes what a plugin provides, and raises AssertionError with what is wrong and where.

    check_op           an op class: declared whole, its shape inferred, its text read back, its evaluation there
    check_round_trip   a model's text form
    check_frontend     a frontend: the model as its own engine computes it, tensor by tensor
    check_coverage     a chip: what it says it can lower it lowers
    check_equality     a chip: interpreter = compiled file, every tensor, every bit

docs/writing_a_plugin.md shows them at work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tpuc_core.certify import prove
from tpuc_core.errors import TpucError
from tpuc_core.evaluate import FloatSession
from tpuc_core.importing import ModelBuilder
from tpuc_core.ir import (
    Model,
    TensorOp,
    parse_text,
    print_text,
    shape_of,
    tensor_name,
    tensor_type,
    top,
    verify,
)
from tpuc_core.ir.module import State
from tpuc_core.npz import Report, compare
from tpuc_core.plan import OpPlan, Plan, Precision

if TYPE_CHECKING:
    from tpuc_core.hookspecs import Chip, Frontend, FrontendOptions, Runner
    from tpuc_core.session import Tensors


def one_op_model(op_class: type[TensorOp], *operands: Sequence[int] | np.ndarray | None, name: str = "y", **attributes: Any) -> Model:
    """A model of one op, shapes inferred. An operand is a shape (an input `x0`, `x1`, ...), an array (a weight) or None."""
    builder = ModelBuilder("one_op", "TEST", [tensor_type(tuple(o)) for o in operands if o is not None and not isinstance(o, np.ndarray)])
    arguments = iter(builder.model.main.args)
    values = []
    for index, operand in enumerate(operands):
        if operand is None:
            values.append(builder.none())
        elif isinstance(operand, np.ndarray):
            values.append(builder.add_weight(f"w{index}", operand))
        else:
            values.append(builder.emit_named(f"x{index}", top.InputOp, [next(arguments)]))
    builder.model.set_outputs([builder.emit_named(name, op_class, values, **attributes)])
    return builder.model


def random_inputs(model: Model, seed: int = 0) -> Tensors:
    """Standard normal values for every input, by name."""
    rng = np.random.default_rng(seed)
    return {tensor_name(op.results[0]): rng.standard_normal(shape_of(op.results[0])).astype(np.float32) for op in model.inputs}


def check_op(op_class: type[TensorOp], *operands: Sequence[int] | np.ndarray | None, **attributes: Any) -> np.ndarray:
    """An op class with one set of operands, see one_op_model. Returns what its float evaluation gives for random inputs."""
    assert "." in op_class.name, f'{op_class.__name__}: its name is "{op_class.name}", without a dialect'
    assert (op_class.__doc__ or "").strip(), f"{op_class.name} has no docstring: its formula belongs there"
    model = one_op_model(op_class, *operands, **attributes)
    verify(model)
    check_round_trip(model)
    (result,) = FloatSession(model).run(random_inputs(model)).values()
    return result


def check_round_trip(model: Model) -> None:
    """The model's text is read back as the same text."""
    text = print_text(model.module)
    again = print_text(parse_text(text, "round trip"))
    for line, (first, second) in enumerate(zip(text.splitlines(), again.splitlines()), 1):
        assert first == second, f"line {line} is read back as another one:\n{first}\n{second}"
    assert text == again, "the text is read back with another number of lines"


def check_frontend(frontend: Frontend, files: Sequence[Path], options: FrontendOptions, inputs: Tensors | None = None, *,
                   least_similarity: tuple[float, float] = (0.999, 0.999)) -> Report:
    """The imported model verifies, is read back from its text, and computes what its own engine does (cosine and euclidean
    similarity of every tensor that both have). Random inputs where none are given."""
    model = frontend.load(files, options)
    assert model.state in (State.TOP_F32, State.TOP_QUANTIZED), f"{frontend.name}: the imported model is in state {model.state}"
    verify(model)
    check_round_trip(model)
    inputs = inputs or random_inputs(model)
    computed = FloatSession(model).run(inputs, all_tensors=True)
    wanted = frontend.reference(files, options).run(inputs, all_tensors=True)
    outputs = {tensor_name(value) for value in model.outputs}
    assert outputs <= wanted.keys(), f"{frontend.name}: the engine names no tensor {sorted(outputs - wanted.keys())}"
    report = compare(computed, wanted, *least_similarity)
    assert report.passed, "\n".join(line for failure in report.failures for line in failure.lines(1))
    return report


@dataclass(frozen=True)
class Coverage:
    """What a chip does with a model of one op: `reason` why it does not run it, "" where it does."""

    model: str
    precision: Precision
    reason: str = ""


def check_coverage(chip: Chip, models: Mapping[str, Model], precisions: Iterable[Precision] = (Precision.F32,)) -> list[Coverage]:
    """For each model and float precision: what `chip.supports` allows `chip.lower` does; what it refuses is not tried. Returns all answers."""
    found = []
    for precision in precisions:
        for name, model in models.items():
            reason = next((r for op in model.ops() if (r := chip.supports(op, precision)) is not None), "")
            assert isinstance(reason, str) and not reason.endswith("."), f'{name} in {precision}: "{reason}" is no noun phrase'
            _check_lowering(chip, name, model, precision, reason)
            found.append(Coverage(name, precision, reason))
    return found


def _check_lowering(chip: Chip, name: str, model: Model, precision: Precision, reason: str) -> None:
    if reason:
        return
    try:
        lowered = chip.lower(model, uniform_plan(model, precision))
    except TpucError as error:
        raise AssertionError(f"{name} in {precision}: {chip.name} supports it, but does not lower it: {error}") from error
    assert lowered.state is State.TPU_LOWERED, f"{name}: the lowered model is in state {lowered.state}"
    check_round_trip(lowered)


def uniform_plan(model: Model, precision: Precision) -> Plan:
    """The plan in which every op runs in one precision."""
    ops = {tensor_name(op.results[0]): OpPlan(tensor_name(op.results[0]), op.name, precision) for op in model.ops()}
    return Plan(precision.value, ops=ops)


def check_equality(chip: Chip, runner: Runner, model: Model, directory: Path, *, plan: Plan | None = None, inputs: Tensors | None = None) -> Tensors:
    """Lower, compile into `directory`, and run: interpreter and file give the same bytes for every tensor. Returns these."""
    lowered = chip.lower(model, plan or uniform_plan(model, Precision.F32))
    file = directory / f"{model.name}{runner.suffixes[0]}"
    chip.compile(lowered, file, {})
    inputs = inputs or random_inputs(model)
    interpreted = chip.interpret(lowered).run(inputs, all_tensors=True, dequantize=False)
    executed = runner.open(file).run(inputs, all_tensors=True, dequantize=False)
    proof = prove(interpreted, executed, {tensor_name(op.results[0]): op.name for op in lowered.ops()}, inputs)
    assert proof.holds, "\n".join(map(str, proof.differences)) or "no tensor was compared"
    return interpreted
