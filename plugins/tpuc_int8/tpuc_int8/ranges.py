"""Ranges made to agree where ops only move values: no requantization is then needed around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpuc_core.ir import TensorOp, calibration_of, is_none, is_weight, tensor_name

if TYPE_CHECKING:
    from xdsl.ir import Operation, SSAValue

    from tpuc_core.ir import Model

Range = tuple[float, float]

MOVERS = {f"top.{kind}" for kind in (
    "Depth2Space", "Flatten", "MaxPool", "Pad", "Permute", "Reshape", "Reverse", "ShuffleChannel", "Slice", "Squeeze",
    "Tile", "Unsqueeze", "Upsample")}
"""Ops whose results are values of their first operand."""

KEEPING = MOVERS | {"top.Interp"}
"""Ops whose results lie in the range of their first operand. Values between others are less extreme than these, so the range of an
interpolation, imposed on what it reads, would clip it."""

IMPOSING = {"top.Clip", "top.Concat", "top.Max", "top.MaxPool", "top.Min", "top.Relu"}
"""Ops whose range is the better one for what they read: of a relu's input only the part that is not negative matters, of a
clip's only what it lets through, and clipping to the range of a maximum or minimum does not change it."""

PROBABILITIES = {"top.Sigmoid", "top.Softmax"}


def corrected_ranges(model: Model) -> dict[str, Range]:
    """The calibrated ranges by tensor name, corrected: sigmoid and softmax give (0, 1); inputs of a concatenation, a clip,
    a relu or a max pool take its range, also through ops that move values, unless someone else uses them; what moves values, or
    interpolates between them, keeps its input's range."""
    values = [op.results[0] for op in model.inputs] + [result for op in model.ops() for result in op.results]
    ranges = {tensor_name(v): r for v in values if (r := calibration_of(v)) is not None}
    _force_probabilities(model, ranges)
    _pull_back(model, ranges)
    _push_forward(model, ranges)
    return ranges


def _force_probabilities(model: Model, ranges: dict[str, Range]) -> None:
    for op in model.ops():
        if isinstance(op, TensorOp) and op.name in PROBABILITIES and not op.get("log") and tensor_name(op.results[0]) in ranges:
            ranges[tensor_name(op.results[0])] = (0.0, 1.0)


def _pull_back(model: Model, ranges: dict[str, Range]) -> None:
    imposed: set[str] = set()
    for op in reversed(model.ops()):
        name = tensor_name(op.results[0])
        is_imposing = op.name in IMPOSING or (op.name in MOVERS and name in imposed)
        if not is_imposing or name not in ranges:
            continue
        for value in _activations(op):
            source = tensor_name(value)
            if source in ranges and _can_take(value, ranges[source], ranges[name]):
                ranges[source] = ranges[name]
                imposed.add(source)


def _push_forward(model: Model, ranges: dict[str, Range]) -> None:
    for op in model.ops():
        if op.name in KEEPING and (given := ranges.get(tensor_name(op.operands[0]))) is not None:
            ranges[tensor_name(op.results[0])] = given


def _activations(op: Operation) -> list[SSAValue]:
    return [v for v in op.operands if not is_none(v) and not is_weight(v)]


def _can_take(value: SSAValue, present: Range, wanted: Range) -> bool:
    """Whether nobody else reads the tensor, and its producer gives what belongs into the wanted range: a fused relu relies on
    an unsigned result."""
    producer = value.owner
    if len({id(use.operation) for use in value.uses}) != 1:
        return False
    if not isinstance(producer, TensorOp):
        return True
    if producer.name in PROBABILITIES:
        return False
    has_relu = "do_relu" in producer.attributes and producer.get("do_relu")
    return not (has_relu and present[0] >= 0 > wanted[0])
