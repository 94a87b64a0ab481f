"""onnxruntime as a session: tensors by the names of an imported model, OUTPUT_OPTYPE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from tpuc_core.errors import TpucError
from tpuc_core.session import TensorInfo, Tensors
from tpuc_onnx.files import read_model
from tpuc_onnx.graph import Graph

_FLOAT = onnx.TensorProto.FLOAT
_DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64"} | {
    f"tensor({name})": name for name in ("float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")}


class OnnxSession:
    """A model in onnxruntime. `graph` says the names of its tensors."""

    def __init__(self, data: bytes, graph: Graph):
        self._data = data
        self._names = {tensor: name for node in graph.nodes for tensor, name in zip(filter(None, node.outputs), node.result_names)}
        self._outputs = graph.outputs
        self._sessions: dict[bool, onnxruntime.InferenceSession] = {}

    @property
    def inputs(self) -> list[TensorInfo]:
        return [_info(i, i.name) for i in self._any().get_inputs()]

    @property
    def outputs(self) -> list[TensorInfo]:
        return [_info(o, self._name(o.name)) for o in self._any().get_outputs() if o.name in self._outputs]

    def run(self, inputs: Tensors, *, all_tensors: bool = False, dequantize: bool = True) -> Tensors:
        """See `tpuc_core.session.Session`; the inputs themselves are not among the tensors."""
        session = self._open(all_tensors)
        feeds = self._feeds(inputs)
        try:
            arrays = session.run(None, feeds)
        except Exception as error:  # onnxruntime has many kinds, all of them about the data or the model
            raise TpucError(f"onnxruntime: {_first_line(error)}") from error
        return {self._name(o.name): np.asarray(array) for o, array in zip(session.get_outputs(), arrays) if o.type in _DTYPES}

    def run_many(self, batches: Iterable[Tensors]) -> Iterator[Tensors]:
        for inputs in batches:
            yield self.run(inputs)

    def _name(self, tensor: str) -> str:
        return self._names.get(tensor, tensor)

    def _feeds(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        wanted = self.inputs
        foreign = [i for i in self._any().get_inputs() if i.type not in _DTYPES]
        if foreign:
            raise TpucError(f'input "{foreign[0].name}" is a {foreign[0].type}: only tensors of numbers can be given')
        missing = [i.name for i in wanted if i.name not in inputs]
        if missing:
            raise TpucError(f'no input "{missing[0]}" was given; the model takes {", ".join(i.name for i in wanted)}')
        return {i.name: np.asarray(inputs[i.name]).astype(i.dtype, copy=False) for i in wanted}

    def _any(self) -> onnxruntime.InferenceSession:
        return next(iter(self._sessions.values()), None) or self._open(all_tensors=False)

    def _open(self, all_tensors: bool) -> onnxruntime.InferenceSession:
        if all_tensors not in self._sessions:
            extra = [t for t in self._names if t not in self._outputs] if all_tensors else []
            self._sessions[all_tensors] = open_bytes(_with_outputs(self._data, extra) if extra else self._data)
        return self._sessions[all_tensors]


def open_file(path: str | Path) -> OnnxSession:
    """An .onnx file as it is. Raises TpucError."""
    model = read_model(path)
    weights = {tensor.name for tensor in model.graph.initializer}
    for value in [i for i in model.graph.input if i.name in weights]:
        model.graph.input.remove(value)
    return OnnxSession(model.SerializeToString(), Graph.from_model(model))


def _with_outputs(data: bytes, tensors: list[str]) -> bytes:
    """The model with these tensors as additional outputs.

    Protobuf messages that stand one after the other are merged, so the weights need not be encoded again.
    """
    extra = onnx.ModelProto()
    extra.graph.output.extend(onnx.ValueInfoProto(name=tensor) for tensor in tensors)
    return extra.SerializeToString() + data


def open_bytes(data: bytes) -> onnxruntime.InferenceSession:
    """A model in onnxruntime, none of its nodes changed. Raises TpucError."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # InvalidGraph, Fail, NotImplemented, ...: all of them about the model
        raise TpucError(f"onnxruntime does not open the model: {_first_line(error)}") from error


def _info(value: onnxruntime.NodeArg, name: str) -> TensorInfo:
    return TensorInfo(name, tuple(_dim(d) for d in value.shape), _DTYPES.get(value.type, "float32"))


def _dim(dim: object) -> int:
    return dim if isinstance(dim, int) else -1


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
