"""LiteRT as a session: tensors by the names and in the layouts of an imported model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tpuc_core.errors import TpucError
from tpuc_core.session import TensorInfo, Tensors
from tpuc_tflite.graph import Graph, Shape, Tensor
from tpuc_tflite.layout import AS_IN_FILE, Layout

Layouts = Mapping[str, tuple[int, Layout]]


class LiteRtSession:
    """A file in LiteRT: a quantized one by the reference kernels, which define its integers; a float one by the optimized ones.

    `layouts`: for every tensor to be shown its index in the file and its layout, by name.
    """

    def __init__(self, graph: Graph, layouts: Layouts, preprocessing: dict[str, Any] | None = None):
        self._graph = graph
        self._layouts = dict(layouts)
        self._by_index = {index: (name, layout) for name, (index, layout) in self._layouts.items()}
        self.inputs = [self._info(index) for index in graph.inputs]
        self.outputs = [self._info(index) for index in graph.outputs]
        self._interpreters: dict[bool, Interpreter] = {}
        if preprocessing is not None:
            self.preprocessing = preprocessing

    def run(self, inputs: Tensors, *, all_tensors: bool = False, dequantize: bool = True) -> Tensors:
        """See `tpuc_core.session.Session`; the inputs themselves are not among the tensors."""
        interpreter = self._open(all_tensors)
        for info, index in zip(self.inputs, self._graph.inputs):
            interpreter.set_tensor(index, self._stored(inputs, info, index))
        try:
            interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise TpucError(f"LiteRT: {_first_line(error)}") from error
        wanted = [*self._layouts.values()] if all_tensors else [(i, self._place(i)[1]) for i in self._graph.outputs]
        outputs = {}
        for index, layout in wanted:
            if index not in self._graph.inputs and (array := _read(interpreter, index)) is not None:
                outputs[self._place(index)[0]] = self._shown(array, index, layout, dequantize)
        return outputs

    def run_many(self, batches: Iterable[Tensors]) -> Iterator[Tensors]:
        """The outputs for each of the inputs."""
        return (self.run(inputs) for inputs in batches)

    def _place(self, index: int) -> tuple[str, Layout]:
        return self._by_index.get(index, (self._graph.tensors[index].name, AS_IN_FILE))

    def _info(self, index: int) -> TensorInfo:
        tensor, (name, layout) = self._graph.tensors[index], self._place(index)
        scale, zero_point = (
            (tensor.quantization.scales[0], tensor.quantization.zero_points[0])
            if tensor.quantization and tensor.is_quantized
            else (1.0, 0)
        )
        return TensorInfo(name, _imported_shape(tensor.shape, layout), tensor.dtype, scale, zero_point)

    def _stored(self, inputs: Tensors, info: TensorInfo, index: int) -> np.ndarray:
        array = next(iter(inputs.values())) if len(self.inputs) == 1 and len(inputs) == 1 else inputs.get(info.name)
        if array is None:
            raise TpucError(
                f'no input "{info.name}" was given; the model takes {", ".join(i.name for i in self.inputs)}'
            )
        tensor = self._graph.tensors[index]
        array = np.asarray(array)
        if array.size != int(np.prod(info.shape)):
            raise TpucError(
                f'input "{info.name}" has the shape {list(array.shape)} where the model wants {list(info.shape)}'
            )
        if tensor.is_quantized and array.dtype != np.dtype(info.dtype):
            array = quantized(array, tensor)
        return self._place(index)[1].of_file(array.reshape(info.shape), tensor.shape).astype(info.dtype, copy=False)

    def _shown(self, array: np.ndarray, index: int, layout: Layout, dequantize: bool) -> np.ndarray:
        tensor = self._graph.tensors[index]
        if dequantize and tensor.is_quantized and tensor.quantization is not None:
            scale, zero_point = tensor.quantization.scales[0], tensor.quantization.zero_points[0]
            array = (array.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
        return layout.imported(array, _imported_shape(array.shape, layout))

    def _open(self, all_tensors: bool) -> Interpreter:
        if all_tensors not in self._interpreters:
            self._interpreters[all_tensors] = _open(self._graph, all_tensors)
        return self._interpreters[all_tensors]


def quantized(array: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Real numbers as the stored ones of a quantized tensor: rounded half away from zero, limited to its type."""
    assert tensor.quantization is not None
    scaled = array.astype(np.float32) / np.float32(tensor.quantization.scales[0])
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)) + tensor.quantization.zero_points[0]
    limits = np.iinfo(tensor.dtype)
    return np.clip(rounded, limits.min, limits.max).astype(tensor.dtype)


def _imported_shape(shape: Shape, layout: Layout) -> Shape:
    if layout.shape is None or len(shape) != 4:
        return tuple(shape)
    n, h, w, c = shape
    return n, c, h, w


def open_file(path: str | Path) -> LiteRtSession:
    """A .tflite file as it is, with the preprocessing that its inputs ask for where they are quantized. Raises TpucError."""
    from tpuc_core.hookspecs import FrontendOptions
    from tpuc_core.images import Preprocessing
    from tpuc_tflite.frontend import prepare
    from tpuc_tflite.preprocessing import preprocessing_for

    prepared = prepare(path, FrontendOptions(Path(path).stem, preprocessing=Preprocessing(pixel_format="rgb")))
    graph = prepared.graph
    tensor = graph.tensors[graph.inputs[0]]
    made = preprocessing_for(tensor, Preprocessing(pixel_format="rgb")) if tensor.is_quantized else None
    return LiteRtSession(graph, prepared.layouts, None if made is None else made.attributes())


def _open(graph: Graph, all_tensors: bool) -> Interpreter:
    """The engine on a file. Custom operators of MediaPipe run in its default delegate only, which shows no inner tensors."""
    first = OpResolverType.BUILTIN_REF if graph.is_quantized else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    failure: Exception | None = None
    for resolver in (first, OpResolverType.BUILTIN):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that all tensors are kept is what we ask for
                interpreter = Interpreter(
                    model_content=graph.data,
                    experimental_op_resolver_type=resolver,
                    num_threads=1,
                    experimental_preserve_all_tensors=all_tensors,
                )
            for index, shape in graph.resized.items():
                interpreter.resize_tensor_input(index, list(shape))
            interpreter.allocate_tensors()
            return interpreter
        except (RuntimeError, ValueError) as error:
            failure = error
    raise TpucError(f"LiteRT does not open the model: {_first_line(failure)}") from failure


def _read(interpreter: Interpreter, index: int) -> np.ndarray | None:
    try:
        return interpreter.get_tensor(index)
    except ValueError:  # inside a delegate
        return None


def _first_line(error: Exception | None) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
