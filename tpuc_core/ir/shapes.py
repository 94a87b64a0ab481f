"""Shape inference over a model, and the check that a model is whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from xdsl.dialects.func import CallOp, ReturnOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import VerifyException

from tpuc_core.errors import TpucError
from tpuc_core.ir.dialects.base import Shape, TensorOp
from tpuc_core.ir.module import Model
from tpuc_core.ir.types import has_shape, is_none, is_weight, shape_of, tensor_name, with_shape


class _Weights(Sequence[np.ndarray | None]):
    """The values of an op's operands that are weights, read when they are asked for; None for other operands."""

    def __init__(self, model: Model, values: Sequence[SSAValue]):
        self._model, self._values = model, values

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        value = self._values[index]
        return self._model.weight(value) if is_weight(value) else None

    def __len__(self) -> int:
        return len(self._values)


def infer_shapes(model: Model) -> None:
    """Give every tensor of `top` ops its shape, from those of the inputs and weights; padding rules become pads.

    Raises TpucError that names op and tensor: operands that do not fit, or an op whose result shape is not known.
    """
    for op in model.ops():
        if not op.name.startswith("tpu."):
            infer_op_shapes(model, op)
    model.update_function_types()


def infer_op_shapes(model: Model, op: Operation) -> None:
    """Give the results of one op their shapes, where its class says how; those that are ranked already keep theirs else."""
    if not isinstance(op, TensorOp) or type(op).infer_shape is TensorOp.infer_shape:
        unknown = next((r for r in op.results if not is_none(r) and not has_shape(r)), None)
        if unknown is not None:
            raise TpucError(f'{op.name} "{tensor_name(unknown)}": no rule says what shape its result has')
        return
    for value, shape in zip(op.results, inferred_shapes(model, op)):
        if not is_none(value) and (not has_shape(value) or shape_of(value) != shape):
            Rewriter.replace_value_with_new_type(value, with_shape(value.type, shape))


def inferred_shapes(model: Model, op: TensorOp) -> list[Shape]:
    """The shapes that an op's results have by its rule. Raises TpucError."""
    shapes = [None if is_none(v) else shape_of(v) for v in op.operands]
    try:
        return op.infer_shape(shapes, _Weights(model, op.operands))
    except (IndexError, ValueError, TypeError) as error:
        raise op.error(f"operands of shapes {[s and list(s) for s in shapes]} do not fit") from error


def verify(model: Model) -> None:
    """Check that a model is whole: attributes and operands as declared, names unique, weights there, shapes consistent.

    Raises TpucError that names op and tensor.
    """
    for problem in problems(model):
        raise problem


def problems(model: Model) -> Iterator[TpucError]:
    """Everything that is wrong with a model, one error each."""
    for function in model.functions:
        names: dict[str, str] = {}
        for op in function.walk():
            if not isinstance(op, TensorOp) or op.name in ("top.None", "top.Yield", "tpu.Yield"):
                continue
            yield from _op_problems(model, op)
            if op.parent_op() is function:
                yield from _name_problems(op, names)
    yield from _function_problems(model)


def _op_problems(model: Model, op: TensorOp) -> Iterator[TpucError]:
    try:
        op.verify(verify_nested_ops=False)
    except VerifyException as error:
        first_line = str(error).strip().splitlines()[-1]
        yield op.error(first_line[:1].lower() + first_line[1:])
        return
    if op.name == "top.Weight":
        if op.names and op.names[0] not in model.weights:
            yield TpucError(f'weight "{op.names[0]}" is missing from "{model.get_attribute("weight_file", "the weights")}"')
        return
    if op.name.startswith("tpu.") or type(op).infer_shape is TensorOp.infer_shape:
        return
    if all(is_none(v) or has_shape(v) for v in (*op.operands, *op.results)):
        yield from _shape_problems(model, op)


def _shape_problems(model: Model, op: TensorOp) -> Iterator[TpucError]:
    attributes = dict(op.attributes)
    try:
        shapes = inferred_shapes(model, op)
    except TpucError as error:
        yield error
        return
    finally:
        op.attributes = attributes
    for value, shape in zip(op.results, shapes):
        if not is_none(value) and shape_of(value) != shape:
            yield op.error(f"its result has shape {list(shape_of(value))} where {list(shape)} is right")


def _name_problems(op: TensorOp, names: dict[str, str]) -> Iterator[TpucError]:
    if len(op.names) != len(op.results):
        yield op.error(f"{len(op.names)} names for {len(op.results)} results")
    for name in op.names:
        if name in names and "top.Weight" not in (op.name, names[name]):
            yield op.error(f'the name "{name}" is that of a {names[name]} already')
        names[name] = op.name


def _function_problems(model: Model) -> Iterator[TpucError]:
    for function in model.functions:
        last = function.body.block.last_op
        if not isinstance(last, ReturnOp):
            yield TpucError(f'function "@{function.sym_name.data}" has no return')
            continue
        declared, actual = function.function_type.outputs.data, [v.type for v in last.operands]
        if list(declared) != actual:
            yield TpucError(f'function "@{function.sym_name.data}" returns other types than it declares')
    known = {f.sym_name.data for f in model.functions}
    for call in (op for op in model.module.walk() if isinstance(op, CallOp)):
        if call.callee.string_value() not in known:
            yield TpucError(f'a call of the function "@{call.callee.string_value()}", which is not there')
