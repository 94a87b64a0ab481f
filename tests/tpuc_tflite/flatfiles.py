"""Small .tflite files out of plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite

TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9}


@dataclass(frozen=True)
class T:
    """A tensor: a shape, or an array that makes it a constant; scales and zero points make it quantized."""

    shape: tuple[int, ...] = ()
    dtype: str = "float32"
    data: Any = None
    scale: Any = None
    zero_point: Any = 0
    axis: int = 0


def const(array: Any, dtype: str | None = None, **quantization: Any) -> T:
    """A constant tensor."""
    array = np.asarray(array)
    array = array.astype(dtype or {"float64": "float32", "int64": "int32"}.get(array.dtype.name, array.dtype.name))
    return T(array.shape, array.dtype.name, array, **quantization)


@dataclass
class N:
    """A node: operator, names of inputs ("" for an absent one) and outputs, the class of its options and their fields."""

    op: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    options: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    custom: bytes = b""


def build(tensors: Mapping[str, T], nodes: Sequence[N], inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """The bytes of a file with these tensors and nodes."""
    builder = flatbuffers.Builder(1 << 12)
    places = {name: i for i, name in enumerate(tensors)} | {"": -1}
    codes = list(dict.fromkeys(node.op for node in nodes))
    constants = [t.data for t in tensors.values() if t.data is not None]
    buffers = [_buffer(builder, None), *(_buffer(builder, array) for array in constants)]
    numbers = iter(range(1, len(buffers)))
    tables = [_tensor(builder, name, t, next(numbers) if t.data is not None else 0) for name, t in tensors.items()]
    operators = [_node(builder, node, codes, places) for node in nodes]
    ends = [_integers(builder, [places[n] for n in names]) for names in (inputs, outputs)]
    tensor_vector, operator_vector = _tables(builder, tables), _tables(builder, operators)
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, tensor_vector)
    tflite.SubGraphAddInputs(builder, ends[0])
    tflite.SubGraphAddOutputs(builder, ends[1])
    tflite.SubGraphAddOperators(builder, operator_vector)
    subgraphs = _tables(builder, [tflite.SubGraphEnd(builder)])
    code_vector, buffer_vector = _tables(builder, [_code(builder, op) for op in codes]), _tables(builder, buffers)
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, 3)
    tflite.ModelAddOperatorCodes(builder, code_vector)
    tflite.ModelAddSubgraphs(builder, subgraphs)
    tflite.ModelAddBuffers(builder, buffer_vector)
    builder.Finish(tflite.ModelEnd(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _integers(builder: flatbuffers.Builder, numbers: Sequence[int]) -> int:
    return builder.CreateNumpyVector(np.asarray(numbers, np.int32))


def _tables(builder: flatbuffers.Builder, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return builder.EndVector()


def _buffer(builder: flatbuffers.Builder, array: np.ndarray | None) -> int:
    data = None
    if array is not None:
        data = builder.CreateNumpyVector(np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8))
    tflite.BufferStart(builder)
    if data is not None:
        tflite.BufferAddData(builder, data)
    return tflite.BufferEnd(builder)


def _tensor(builder: flatbuffers.Builder, name: str, tensor: T, buffer: int) -> int:
    text, shape = builder.CreateString(name), _integers(builder, tensor.shape)
    quantization = None if tensor.scale is None else _quantization(builder, tensor)
    tflite.TensorStart(builder)
    tflite.TensorAddName(builder, text)
    tflite.TensorAddShape(builder, shape)
    tflite.TensorAddType(builder, TYPES[tensor.dtype])
    tflite.TensorAddBuffer(builder, buffer)
    if quantization is not None:
        tflite.TensorAddQuantization(builder, quantization)
    return tflite.TensorEnd(builder)


def _quantization(builder: flatbuffers.Builder, tensor: T) -> int:
    scales = np.atleast_1d(np.asarray(tensor.scale, np.float32))
    scale = builder.CreateNumpyVector(scales)
    zeros = builder.CreateNumpyVector(np.broadcast_to(np.asarray(tensor.zero_point, np.int64), scales.shape).copy())
    tflite.QuantizationParametersStart(builder)
    tflite.QuantizationParametersAddScale(builder, scale)
    tflite.QuantizationParametersAddZeroPoint(builder, zeros)
    tflite.QuantizationParametersAddQuantizedDimension(builder, tensor.axis)
    return tflite.QuantizationParametersEnd(builder)


def _code(builder: flatbuffers.Builder, op: str) -> int:
    number = getattr(tflite.BuiltinOperator, op, tflite.BuiltinOperator.CUSTOM)
    custom = builder.CreateString(op) if number == tflite.BuiltinOperator.CUSTOM else None
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, min(number, 127))
    tflite.OperatorCodeAddBuiltinCode(builder, number)
    tflite.OperatorCodeAddVersion(builder, 1)
    if custom is not None:
        tflite.OperatorCodeAddCustomCode(builder, custom)
    return tflite.OperatorCodeEnd(builder)


def _node(builder: flatbuffers.Builder, node: N, codes: Sequence[str], places: Mapping[str, int]) -> int:
    ends = [_integers(builder, [places[n] for n in names]) for names in (node.inputs, node.outputs)]
    options = _options(builder, node) if node.options else None
    custom = builder.CreateNumpyVector(np.frombuffer(node.custom, np.uint8)) if node.custom else None
    tflite.OperatorStart(builder)
    tflite.OperatorAddOpcodeIndex(builder, list(codes).index(node.op))
    tflite.OperatorAddInputs(builder, ends[0])
    tflite.OperatorAddOutputs(builder, ends[1])
    if options is not None:
        tflite.OperatorAddBuiltinOptionsType(builder, getattr(tflite.BuiltinOptions, node.options))
        tflite.OperatorAddBuiltinOptions(builder, options)
    if custom is not None:
        tflite.OperatorAddCustomOptions(builder, custom)
    return tflite.OperatorEnd(builder)


def _options(builder: flatbuffers.Builder, node: N) -> int:
    vectors = {name: _integers(builder, v) for name, v in node.fields.items() if isinstance(v, (list, tuple))}
    getattr(tflite, f"{node.options}Start")(builder)
    for name, value in node.fields.items():
        getattr(tflite, f"{node.options}Add{name}")(builder, vectors.get(name, value))
    return getattr(tflite, f"{node.options}End")(builder)
