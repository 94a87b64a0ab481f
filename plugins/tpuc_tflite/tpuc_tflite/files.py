"""Reading .tflite files, with what can be wrong about them said in a sentence."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tflite

from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file
from tpuc_tflite.graph import Graph, Node, Scales, Tensor

IDENTIFIER = b"TFL3"
DTYPES = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    5: "string",
    6: "bool",
    7: "int16",
    8: "complex64",
    9: "int8",
    10: "float64",
    15: "uint32",
    16: "uint16",
}


def read_graph(path: str | Path) -> Graph:
    """The first subgraph of a file. Raises TpucError: no file, empty, truncated or foreign, several subgraphs."""
    path = existing_file(path)
    data = path.read_bytes()
    if not data:
        raise TpucError(f'"{path}" is empty')
    if data[4:8] != IDENTIFIER:
        raise TpucError(f'"{path}" is not a TFLite file')
    try:
        model = tflite.Model.GetRootAs(data, 0)
        return _graph(model, data)
    except (struct.error, IndexError, ValueError, AttributeError, TypeError) as error:
        raise TpucError(f'"{path}" is truncated, or damaged: {error}') from error


def _graph(model: Any, data: bytes) -> Graph:
    subgraph = model.Subgraphs(0)
    names: dict[str, int] = {}
    tensors = [_tensor(model, subgraph.Tensors(i), i, names) for i in range(subgraph.TensorsLength())]
    nodes = [_node(model, subgraph.Operators(i), i) for i in range(subgraph.OperatorsLength())]
    inputs = [int(i) for i in subgraph.InputsAsNumpy()]
    outputs = [int(i) for i in subgraph.OutputsAsNumpy()]
    return Graph(tensors, nodes, inputs, outputs, data)


def _tensor(model: Any, raw: Any, index: int, names: dict[str, int]) -> Tensor:
    name = (raw.Name() or b"").decode("utf-8", "replace") or f"tensor_{index}"
    if name in names:
        name = f"{name}_{index}"
    names[name] = index
    dtype = DTYPES.get(raw.Type(), "unknown")
    shape = tuple(int(n) for n in raw.ShapeAsNumpy()) if raw.ShapeLength() else ()
    sparsity = raw.Sparsity()
    data = _constant(model.Buffers(raw.Buffer()), dtype, shape, is_sparse=sparsity is not None)
    return Tensor(index, name, shape, dtype, data, _scales(raw.Quantization()), sparsity, bool(raw.IsVariable()))


def _constant(buffer: Any, dtype: str, shape: tuple[int, ...], *, is_sparse: bool) -> np.ndarray | None:
    if buffer is None or buffer.DataIsNone() or not buffer.DataLength() or dtype in ("string", "unknown"):
        return None
    array = np.frombuffer(buffer.DataAsNumpy().tobytes(), np.dtype(dtype))
    return array if is_sparse else array.reshape(shape)


def _scales(raw: Any) -> Scales | None:
    if raw is None or not raw.ScaleLength():
        return None
    scales = tuple(float(s) for s in raw.ScaleAsNumpy())
    zero_points = tuple(int(z) for z in raw.ZeroPointAsNumpy()) if raw.ZeroPointLength() else (0,) * len(scales)
    return Scales(scales, zero_points, int(raw.QuantizedDimension()))


def _node(model: Any, raw: Any, position: int) -> Node:
    code = model.OperatorCodes(raw.OpcodeIndex())
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    op = _operators().get(number, f"builtin operator {number}")
    if op == "CUSTOM":
        op = (code.CustomCode() or b"CUSTOM").decode("utf-8", "replace")
    custom = b"" if raw.CustomOptionsIsNone() else raw.CustomOptionsAsNumpy().tobytes()
    inputs = [int(i) for i in raw.InputsAsNumpy()] if raw.InputsLength() else []
    return Node(op, inputs, [int(i) for i in raw.OutputsAsNumpy()], _options(raw), custom, position)


@cache
def _operators() -> dict[int, str]:
    return {number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)}


@cache
def _option_classes() -> dict[int, Any]:
    """The classes of the union BuiltinOptions, by its number."""
    names = {n: name for name, n in vars(tflite.BuiltinOptions).items() if isinstance(n, int)}
    return {number: getattr(tflite, name, None) for number, name in names.items()}


def _options(raw: Any) -> Any:
    table, made = raw.BuiltinOptions(), _option_classes().get(raw.BuiltinOptionsType())
    if table is None or made is None:
        return None
    options = made()
    options.Init(table.Bytes, table.Pos)
    return options
