"""Input shapes that a user gives, in the order of the file or of the imported model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tpuc_core.errors import TpucError
from tpuc_tflite.graph import Graph, Shape, Tensor


def with_input_shapes(graph: Graph, shapes: Sequence[Shape] | None) -> Graph:
    """The graph with other input shapes: [n, c, h, w], or [n, h, w, c] as in the file. Raises TpucError: what does not fit."""
    if shapes is None:
        return graph
    if len(shapes) != len(graph.inputs):
        raise TpucError(f"{len(shapes)} input shapes for {len(graph.inputs)} inputs")
    tensors, resized = list(graph.tensors), {}
    for index, given in zip(graph.inputs, shapes):
        shape = _in_file_order(tensors[index], tuple(int(n) for n in given))
        if shape != tensors[index].shape:
            resized[index] = shape
            tensors[index] = replace(tensors[index], shape=shape)
    return replace(graph, tensors=tensors, resized=resized)


def _in_file_order(tensor: Tensor, given: Shape) -> Shape:
    if len(given) != len(tensor.shape) or min(given, default=1) < 1:
        raise TpucError(
            f'input "{tensor.name}" has the shape {list(tensor.shape)} in the file, which {list(given)} does not fit'
        )
    if len(given) != 4 or given == tensor.shape:
        return given
    n, c, h, w = given
    if c == tensor.shape[3]:
        return n, h, w, c
    if w == tensor.shape[3]:
        return given
    raise TpucError(
        f'input "{tensor.name}" has {tensor.shape[3]} channels; {list(given)} has them neither second nor last'
    )
