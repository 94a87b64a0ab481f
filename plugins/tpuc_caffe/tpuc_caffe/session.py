"""OpenCV's dnn module as a session: tensors by the names of an imported model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from tpuc_caffe.files import model_files
from tpuc_caffe.net import Layer, Net, read_net
from tpuc_core.errors import TpucError
from tpuc_core.session import TensorInfo, Tensors

DETECTION_VALUES = 7


class CaffeSession:
    """A net in OpenCV. `net` says the names of its tensors."""

    def __init__(self, prototxt: Path, caffemodel: Path | None, net: Net):
        self._files = [str(path) for path in (prototxt, caffemodel) if path]
        self._net = net
        self._engine: cv2.dnn.Net | None = None
        self._outputs: list[TensorInfo] | None = None

    @property
    def inputs(self) -> list[TensorInfo]:
        return [TensorInfo(name, shape) for name, shape in self._net.inputs.items()]

    @property
    def outputs(self) -> list[TensorInfo]:
        """Their shapes are those of a run: OpenCV tells none before."""
        if self._outputs is None:
            arrays = self.run({name: np.zeros(shape, np.float32) for name, shape in self._net.inputs.items()})
            self._outputs = [TensorInfo(name, arrays[name].shape) for name in self._net.outputs]
        return self._outputs

    def run(self, inputs: Tensors, *, all_tensors: bool = False, dequantize: bool = True) -> Tensors:
        """See `tpuc_core.session.Session`; the inputs themselves are not among the tensors."""
        engine = self._open()
        for name, shape in self._net.inputs.items():
            engine.setInput(_checked(inputs, name, shape), name)
        wanted = set(self._net.outputs)
        layers = [layer for layer in self._net.layers if layer.outputs and (all_tensors or wanted.intersection(layer.outputs))]
        try:
            results = engine.forwardAndRetrieve([layer.name for layer in layers])
        except cv2.error as error:
            raise TpucError(f"OpenCV: {_reason(error)}") from error
        batch = next(iter(self._net.inputs.values()))[0]
        arrays: Tensors = {}
        for layer, several in zip(layers, results):
            for name, array in zip(layer.outputs, several):
                if all_tensors or name in wanted:
                    arrays[name] = _detections(layer, array, batch) if layer.type == "DetectionOutput" else array
        return arrays

    def run_many(self, batches: Iterable[Tensors]) -> Iterator[Tensors]:
        for inputs in batches:
            yield self.run(inputs)

    def _open(self) -> cv2.dnn.Net:
        if self._engine is None:
            cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what goes wrong is raised too
            try:
                self._engine = cv2.dnn.readNetFromCaffe(*self._files)
            except cv2.error as error:
                raise TpucError(f"OpenCV does not open the net: {_reason(error)}") from error
            self._engine.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
            self._engine.enableFusion(False)
            self._engine.enableWinograd(False)
        return self._engine


def open_files(prototxt: Path, weight: Path | None = None) -> CaffeSession:
    """A net as its files describe it. Raises TpucError."""
    files = model_files([prototxt, weight] if weight else [prototxt])
    return CaffeSession(*files, read_net(*files))


def _checked(inputs: Tensors, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name not in inputs:
        raise TpucError(f'no input "{name}" was given')
    array = np.ascontiguousarray(inputs[name], np.float32)
    if array.shape != shape:
        raise TpucError(f'input "{name}" has the shape {list(array.shape)} where the net wants {list(shape)}')
    return array


def _detections(layer: Layer, found: np.ndarray, batch: int) -> np.ndarray:
    """OpenCV gives the rows of all pictures from the best, and may give rows of zeros; a model has keep_top_k rows for each picture,
    by class, with zeros behind them."""
    keep = layer.parameters.detection_output_param.keep_top_k
    rows = found.reshape(-1, DETECTION_VALUES)
    if keep < 1:
        return found
    result = np.zeros((batch, 1, keep, DETECTION_VALUES), np.float32)
    for picture in range(batch):
        own = rows[(rows[:, 0] == picture) & (rows[:, 2] > 0)][:keep]
        result[picture, 0, : len(own)] = own[np.argsort(own[:, 1], kind="stable")]
    return result


def _reason(error: cv2.error) -> str:
    """The sentence in OpenCV's message, without the place in its sources."""
    text = " ".join(str(error).split())
    return text.partition("error: ")[2] or text
