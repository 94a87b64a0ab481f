"""A model: an IR module together with its weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from xdsl.dialects.builtin import FunctionType, ModuleOp, NoneType, StringAttr
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, OpResult, Region, SSAValue

from tpuc_core.errors import TpucError, unknown
from tpuc_core.files import existing_file, whole_file
from tpuc_core.ir.dialects import top
from tpuc_core.ir.dialects.kinds import encode_any, python_value
from tpuc_core.ir.dialects.quant import UniformType
from tpuc_core.ir.input_means import names_of_input_means
from tpuc_core.ir.parser import parse_file
from tpuc_core.ir.printer import print_text
from tpuc_core.ir.types import element_type_of, is_weight, shape_of, storage_of, tensor_name, tensor_type
from tpuc_core.ir.weights import STORED_DTYPES, Weights, write_weights

_NOT_COMPUTING = {"top.None", "top.Weight", "top.Input", "func.return", "func.call", "tpu.Yield", "top.Yield"}


class State(StrEnum):
    """How far a model has come."""

    TOP_F32 = "TOP_F32"
    TOP_CALIBRATED = "TOP_CALIBRATED"
    TOP_QUANTIZED = "TOP_QUANTIZED"
    TPU_LOWERED = "TPU_LOWERED"
    TPU_REORDERED = "TPU_REORDERED"
    TPU_DIVIDED = "TPU_DIVIDED"
    TPU_ADDRESSED = "TPU_ADDRESSED"


class Model:
    """An IR module together with its weights, which are arrays in the npz's types (f16 and bf16 as uint16 bits), by name."""

    def __init__(self, module: ModuleOp, weights: Weights | dict[str, np.ndarray] | None = None):
        self.module = module
        self.weights: Any = Weights() if weights is None else weights

    @classmethod
    def new(cls, name: str, platform: str, input_types: Sequence[Attribute]) -> Model:
        """An empty model in state TOP_F32: @main with these arguments, to be filled, and ended with `set_outputs`."""
        function = FuncOp("main", (list(input_types), []), Region(Block(arg_types=input_types)))
        model = cls(ModuleOp([function], sym_name=StringAttr(name)))
        model.set_attribute("chip", "ALL")
        model.platform, model.state = platform, State.TOP_F32
        model.set_attribute("top_run_mode", "STATIC")
        return model

    # What the module says about itself

    def get_attribute(self, name: str, default: Any = None) -> Any:
        """The Python value of the module's attribute `module.NAME`, the inner module's where there is one."""
        for module in (self.inner, self.module):
            attribute = module.attributes.get(f"module.{name}")
            if attribute is not None:
                return python_value(attribute)
        return default

    def set_attribute(self, name: str, value: Any, *, of_inner: bool = False) -> None:
        """Set the module's attribute `module.NAME`; None removes it. `of_inner`: on the inner module."""
        attributes = (self.inner if of_inner else self.module).attributes
        if value is None:
            attributes.pop(f"module.{name}", None)
        else:
            attributes[f"module.{name}"] = encode_any(value)

    @property
    def name(self) -> str:
        return self.module.sym_name.data if self.module.sym_name else ""

    @name.setter
    def name(self, value: str) -> None:
        for module in {self.module, self.inner}:
            module.properties["sym_name"] = StringAttr(value)

    @property
    def state(self) -> State:
        return State(self.get_attribute("state"))

    @state.setter
    def state(self, value: State) -> None:
        self.set_attribute("state", str(value))

    @property
    def chip(self) -> str:
        return self.get_attribute("chip", "ALL")

    @chip.setter
    def chip(self, value: str) -> None:
        self.set_attribute("chip", value)

    @property
    def mode(self) -> str:
        return self.get_attribute("mode", "")

    @mode.setter
    def mode(self, value: str) -> None:
        self.set_attribute("mode", value)

    @property
    def platform(self) -> str:
        return self.get_attribute("platform", "")

    @platform.setter
    def platform(self, value: str) -> None:
        self.set_attribute("platform", value)

    # Functions and ops

    @property
    def inner(self) -> ModuleOp:
        """The module that holds the functions: the inner one from state TPU_REORDERED on."""
        return next((op for op in self.module.body.block.ops if isinstance(op, ModuleOp)), self.module)

    @property
    def functions(self) -> list[FuncOp]:
        """All functions, @main first as in the text."""
        return [op for op in self.inner.body.block.ops if isinstance(op, FuncOp)]

    def function(self, name: str) -> FuncOp:
        """The function of that name. Raises TpucError."""
        found = next((f for f in self.functions if f.sym_name.data == name), None)
        if found is None:
            raise TpucError(f'model "{self.name}" has no function "@{name}"')
        return found

    @property
    def main(self) -> FuncOp:
        return self.function("main")

    @property
    def inputs(self) -> list[Operation]:
        """The top.Input ops, in order."""
        return [op for op in self.main.body.block.ops if op.name == "top.Input"]

    @property
    def outputs(self) -> list[SSAValue]:
        """What @main returns; through a call, the values inside the called function."""
        return [self.producer(value) for value in _return_of(self.main).operands]

    def producer(self, value: SSAValue) -> SSAValue:
        """The value itself; for the result of a call the value inside the called function."""
        while isinstance(value, OpResult) and isinstance(value.op, CallOp):
            value = _return_of(self.function(value.op.callee.string_value())).operands[value.index]
        return value

    def set_outputs(self, values: Sequence[SSAValue]) -> None:
        """Make @main return these values."""
        block = self.main.body.block
        if isinstance(block.last_op, ReturnOp):
            block.erase_op(block.last_op)
        block.add_op(ReturnOp(*values))
        self.update_function_types()

    def update_function_types(self) -> None:
        """Bring the types of functions in line with their arguments and what they return."""
        for function in self.functions:
            outputs = [value.type for value in _return_of(function).operands]
            function.properties["function_type"] = FunctionType.from_lists([a.type for a in function.args], outputs)

    def ops(self) -> list[Operation]:
        """Every op that computes, in program order, functions and groups entered."""
        return [op for function in self.functions for op in _computing(function.body.block)]

    # Weights

    def weight(self, value: SSAValue) -> np.ndarray:
        """The array of a top.Weight, in the shape of its type. Raises TpucError: not a weight, missing, wrong type or size."""
        name = tensor_name(value)
        if not is_weight(value):
            raise TpucError(f'"{name}" is not a weight')
        if name not in self.weights:
            raise TpucError(f'weight "{name}" is missing from "{self.get_attribute("weight_file", "the weights")}"')
        array, shape = self.weights[name], shape_of(value)
        wanted = STORED_DTYPES.get(storage_of(value), array.dtype)
        if array.dtype != wanted:
            raise TpucError(f'weight "{name}" is {array.dtype} where its type wants {wanted}')
        if array.size != int(np.prod(shape)):
            raise TpucError(f'weight "{name}" has {array.size} elements where its shape {list(shape)} wants {int(np.prod(shape))}')
        return array.reshape(shape)

    def real_weight(self, value: SSAValue) -> np.ndarray:
        """The real values of a top.Weight, float32; integers of a quantized type are taken off their zero point and scaled."""
        array, element = self.weight(value), element_type_of(value)
        if not isinstance(element, UniformType):
            return np.ascontiguousarray(array, np.float32)
        uniform, shape = element.data, [1] * array.ndim
        if uniform.axis is not None:
            shape[uniform.axis] = -1
        scales, zero_points = (np.array(each, np.float32).reshape(shape) for each in (uniform.scales, uniform.zero_points))
        return np.ascontiguousarray((array.astype(np.float32) - zero_points) * scales)

    def add_weight(
        self, name: str, array: np.ndarray, before: Operation, element_type: str | Attribute | None = None
    ) -> SSAValue:
        """A new top.Weight in front of an op; its type is that of the array, or `element_type`.

        Raises TpucError where that name holds other numbers already.
        """
        array = np.asarray(array)
        known = self.weights.get(name)
        if known is not None and not np.array_equal(known.ravel(), array.ravel()):
            raise TpucError(f'two weights of the name "{name}" with different values')
        self.weights[name] = array
        storage = _storage_of_dtype(array) if element_type is None else element_type
        op = top.WeightOp.make(name, [], tensor_type(array.shape, storage))
        _block_of(before).insert_op_before(op, before)
        return op.results[0]

    def none(self, before: Operation) -> SSAValue:
        """The top.None value of the function around an op, made at its start where there is none."""
        function: Operation | None = before
        while function is not None and not isinstance(function, FuncOp):
            function = function.parent_op()
        block = _block_of(before) if function is None else function.body.block
        for op in block.ops:
            if op.name == "top.None":
                return op.results[0]
        op = top.NoneOp.create(result_types=[NoneType()])
        if block.first_op is None:
            block.add_op(op)
        else:
            block.insert_op_before(op, block.first_op)
        return op.results[0]

    def clone(self) -> Model:
        """A model that can be changed without changing this one."""
        return Model(self.module.clone(), self.weights.copy())


def load_model(path: str | Path) -> Model:
    """The model in an .mlir file; its weights are read from the npz that it names, beside it or in the current directory.

    Raises TpucError: no such file, not a model, no weights.
    """
    path = existing_file(path)
    module = parse_file(path)
    _check_attributes(module, path)
    model = Model(module)
    file_name = model.get_attribute("weight_file")
    if file_name:
        found = [p for p in (path.parent / file_name, Path(file_name)) if p.is_file()]
        if found:
            model.weights = Weights(found[0])
            _check_weights(model, found[0])
        elif any(op.name == "top.Weight" for op in module.walk()):
            raise TpucError(f'"{path}" wants the weights "{file_name}", which is neither beside it nor in the current directory')
    return model


def _check_weights(model: Model, file: Path) -> None:
    missing = sorted({tensor_name(op.results[0]) for op in model.module.walk() if op.name == "top.Weight"} - set(model.weights))
    if missing:
        raise TpucError(f'"{file}" lacks {len(missing)} weights of model "{model.name}", such as "{missing[0]}"; is it the file of another model?')


def save_model(model: Model, path: str | Path, weight_file: str | None = None) -> None:
    """Write a model: the text, and beside it the npz with the weights in use and the mean inputs of filters.

    The npz is named `weight_file`, or after the text ("NAME_weight.npz" for "NAME.mlir"). Raises TpucError where a file
    cannot be written.
    """
    path = Path(path)
    name = weight_file or f"{path.stem}_weight.npz"
    used = {tensor_name(op.results[0]) for op in model.module.walk() if op.name == "top.Weight"}
    missing = sorted(used - set(model.weights))
    if missing:
        raise TpucError(f'cannot write "{path}": weight "{missing[0]}" has no values')
    model.set_attribute("weight_file", name)
    used.update(names_of_input_means(model, model.ops()))
    write_weights(path.parent / name, {n: model.weights[n] for n in used})
    with whole_file(path) as temporary:
        temporary.write_text(print_text(model.module), encoding="utf-8")


def _check_attributes(module: ModuleOp, path: Path) -> None:
    for name in ("state", "chip"):
        if f"mlir.{name}" in module.attributes:
            raise TpucError(
                f'"{path}" is of an early tool chain: its attributes are called "mlir.{name}" where "module.{name}" is wanted'
            )
    state = module.attributes.get("module.state")
    if not isinstance(state, StringAttr):
        raise TpucError(f'"{path}" is not a model: its module has no "module.state"')
    if state.data not in State.__members__:
        raise unknown("module.state", state.data, State.__members__)


def _block_of(op: Operation) -> Block:
    if op.parent is None:
        raise ValueError(f"{op.name} is in no block")
    return op.parent


def _return_of(function: FuncOp) -> ReturnOp:
    last = function.body.block.last_op
    if not isinstance(last, ReturnOp):
        raise TpucError(f'function "@{function.sym_name.data}" has no return')
    return last


def _computing(block: Block) -> Iterator[Operation]:
    for op in block.ops:
        if op.regions and op.name == "tpu.Group":
            for region in op.regions:
                yield from _computing(region.block)
        elif op.name not in _NOT_COMPUTING:
            yield op


def _storage_of_dtype(array: np.ndarray) -> str:
    for storage in ("f32", "i8", "u8", "i16", "u16", "i32", "u32", "i64"):
        if STORED_DTYPES[storage] == array.dtype:
            return storage
    raise TpucError(f"a weight cannot be {array.dtype}; f32, integers, and f16 or bf16 as uint16 bits with an element type can")
