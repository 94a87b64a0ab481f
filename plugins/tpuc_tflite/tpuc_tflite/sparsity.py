"""Constants that a file stores sparse."""

from __future__ import annotations

from typing import Any

import numpy as np
import tflite

_SPARSE_CSR = 1  # DimensionType.SPARSE_CSR
_INDEX_VECTORS = {
    1: (tflite.Int32Vector, np.int32),
    2: (tflite.Uint16Vector, np.uint16),
    3: (tflite.Uint8Vector, np.uint8),
}


def densify(values: np.ndarray, shape: tuple[int, ...], sparsity: Any) -> np.ndarray:
    """The dense array of that shape.

    The file orders dimensions and blocks by `TraversalOrder`; each is dense (its size) or compressed (segments and indices).
    Source: the description of SparsityParameters in the TFLite schema.
    """
    order = [int(i) for i in sparsity.TraversalOrderAsNumpy()]
    levels = [_level(sparsity.DimMetadata(i)) for i in range(sparsity.DimMetadataLength())]
    block_map = [int(i) for i in sparsity.BlockMapAsNumpy()] if sparsity.BlockMapLength() else []
    paths = _paths(levels)
    by_dimension = dict(zip(order, paths.T))
    places = [by_dimension[i] for i in range(len(shape))]
    for block, dimension in enumerate(block_map):
        inner = by_dimension[len(shape) + block]
        size = levels[order.index(len(shape) + block)][0]
        places[dimension] = places[dimension] * size + inner
    dense = np.zeros(shape, values.dtype)
    dense[tuple(places)] = values[: len(paths)]
    return dense


def _level(metadata: Any) -> tuple[int, np.ndarray | None, np.ndarray | None]:
    """(dense size, None, None), or (0, segments, indices) of a compressed dimension."""
    if metadata.Format() != _SPARSE_CSR:
        return int(metadata.DenseSize()), None, None
    segments = _vector(metadata.ArraySegmentsType(), metadata.ArraySegments())
    return 0, segments, _vector(metadata.ArrayIndicesType(), metadata.ArrayIndices())


def _vector(kind: int, table: Any) -> np.ndarray:
    made, _ = _INDEX_VECTORS[kind]
    vector = made()
    vector.Init(table.Bytes, table.Pos)
    return vector.ValuesAsNumpy().astype(np.int64)


def _paths(levels: list[tuple[int, np.ndarray | None, np.ndarray | None]]) -> np.ndarray:
    """[values, levels]: the index at each level of every stored value, in the order of storage."""
    paths, parents = np.zeros((1, 0), np.int64), np.zeros(1, np.int64)
    for size, segments, indices in levels:
        if segments is None or indices is None:
            counts = np.full(len(paths), size)
            inner = np.tile(np.arange(size), len(paths))
            parents = (parents[:, None] * size + np.arange(size)).ravel()
        else:
            begins = segments[parents]
            counts = segments[parents + 1] - begins
            parents = np.concatenate([np.arange(b, b + n) for b, n in zip(begins, counts)])
            inner = indices[parents]
        paths = np.column_stack([np.repeat(paths, counts, axis=0), inner])
    return paths
