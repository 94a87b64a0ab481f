"""OpenCV on the same files, under the same names: what the imported model is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2

from tpuc_core.session import TensorInfo, Tensors
from tpuc_darknet.files import read_sections


class OpenCvSession:
    """See tpuc_core.session.Session."""

    def __init__(self, graph: Path, weights: Path):
        head = read_sections(graph)[0]
        self.net = cv2.dnn.readNetFromDarknet(str(graph), str(weights))
        shape = (1, head.number("channels", 3), head.number("height"), head.number("width"))
        self.inputs = [TensorInfo("data", shape)]
        self.outputs = [TensorInfo(name, ()) for name in self.net.getUnconnectedOutLayersNames()]

    def run(self, inputs: Tensors, *, all_tensors: bool = False, dequantize: bool = True) -> Tensors:
        (array,) = inputs.values()
        names = list(self.net.getLayerNames() if all_tensors else self.net.getUnconnectedOutLayersNames())
        self.net.setInput(array)
        return dict(zip(names, self.net.forward(names)))

    def run_many(self, batches: Iterable[Tensors]) -> Iterator[Tensors]:
        return map(self.run, batches)
