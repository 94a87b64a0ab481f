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
_DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16", "tensor(int64)": "int64",
           "tensor(int32)": "int32", "tensor(uint8)": "uint8", "tensor(int8)": "int8", "tensor(bool)": "bool"}


class OnnxSession:
    """A model in onnxruntime. `graph` says the names of its tensors."""

    def __init__(self, data: bytes, graph: Graph):
        self._data = data
        self._names = {tensor: name for node in graph.nodes for tensor, name in zip(filter(None, node.outputs), node.result_names)}
        self._outputs = graph.outputs
        self._session = _open(data)
        self._full: onnxruntime.InferenceSession | None = None
        inputs = self._session.get_inputs()
        self.inputs = [TensorInfo(i.name, tuple(_dim(d) for d in i.shape), _DTYPES.get(i.type, "float32")) for i in inputs]
        self.outputs = [TensorInfo(self._name(o.name), tuple(_dim(d) for d in o.shape), _DTYPES.get(o.type, "float32"))
                        for o in self._session.get_outputs()]

    def run(self, inputs: Tensors, *, all_tensors: bool = False, dequantize: bool = True) -> Tensors:
        """See `tpuc_core.session.Session`; the inputs themselves are not among the tensors."""
        feeds = self._feeds(inputs)
        session = self._all() if all_tensors else self._session
        try:
            arrays = session.run(None, feeds)
        except Exception as error:  # onnxruntime has many kinds, all of them about the data or the model
            raise TpucError(f"onnxruntime: {_first_line(error)}") from error
        return {self._name(o.name): array for o, array in zip(session.get_outputs(), arrays)}

    def run_many(self, batches: Iterable[Tensors]) -> Iterator[Tensors]:
        for inputs in batches:
            yield self.run(inputs)

    def _name(self, tensor: str) -> str:
        return self._names.get(tensor, tensor)

    def _feeds(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        missing = [i.name for i in self.inputs if i.name not in inputs]
        if missing:
            raise TpucError(f'no input "{missing[0]}" was given; the model takes {", ".join(i.name for i in self.inputs)}')
        return {i.name: np.asarray(inputs[i.name]).astype(i.dtype, copy=False) for i in self.inputs}

    def _all(self) -> onnxruntime.InferenceSession:
        if self._full is None:
            self._full = _open(_with_outputs(self._data, [t for t in self._names if t not in self._outputs]))
        return self._full


def open_file(path: str | Path) -> OnnxSession:
    """An .onnx file as it is. Raises TpucError."""
    model = read_model(path)
    weights = {tensor.name for tensor in model.graph.initializer}
    for value in [i for i in model.graph.input if i.name in weights]:
        model.graph.input.remove(value)
    return OnnxSession(model.SerializeToString(), Graph.from_model(model))


def _with_outputs(data: bytes, tensors: list[str]) -> bytes:
    """The model with these tensors as additional outputs, in front of its own.

    Protobuf messages that stand one after the other are merged, so the weights need not be encoded again.
    """
    extra = onnx.ModelProto()
    extra.graph.output.extend(onnx.ValueInfoProto(name=tensor) for tensor in tensors)
    return extra.SerializeToString() + data


def _open(data: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # InvalidGraph, Fail, NotImplemented, ...: all of them about the model
        raise TpucError(f"onnxruntime does not open the model: {_first_line(error)}") from error


def _dim(dim: object) -> int:
    return dim if isinstance(dim, int) else -1


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
