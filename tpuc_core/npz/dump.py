"""How a tensor is shown: its values, shape and type, the figures of a picture's channels, the largest elements."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tpuc_core.errors import TpucError

_COLOURS = 3


def list_lines(tensors: Mapping[str, np.ndarray]) -> list[str]:
    """One line a tensor: name, shape, dtype, separated by tabs."""
    return [f"{name}\t{tensor.shape}\t{tensor.dtype}" for name, tensor in tensors.items()]


def describe(tensor: np.ndarray) -> list[str]:
    """The values (abridged when there are many), shape and dtype; per channel max, min, mean, mean magnitude and
    standard deviation where the tensor is one picture of three channels."""
    with np.printoptions(precision=6, suppress=True):
        lines = [str(tensor), f"shape {tensor.shape}", f"dtype {tensor.dtype}"]
        if tensor.ndim == 4 and tensor.shape[0] == 1 and tensor.shape[1] == _COLOURS and tensor.size:
            lines += _channel_lines(tensor.reshape(_COLOURS, -1))
    return lines


def _channel_lines(channels: np.ndarray) -> list[str]:
    real = channels.astype(np.float32)
    return [f"max {channels.max(1)}", f"min {channels.min(1)}", f"mean {real.mean(1)}",
            f"abs mean fp32 {np.abs(real).mean(1)}", f"std fp32 {real.std(1)}"]


def top_k_lines(tensor: np.ndarray, k: int) -> list[str]:
    """Shape, dtype and the k largest elements as (flat index, value), the largest first, equal ones by index."""
    flat = tensor.reshape(-1)
    if flat.dtype.kind not in "biuf":
        raise TpucError(f"elements of type {flat.dtype} have no order: real numbers are wanted")
    order = np.argsort(-flat.astype(np.float64), kind="stable")[:k]
    return [f"shape {tensor.shape}", f"dtype {tensor.dtype}", f"Show Top-K {k}",
            *(f"({index}, {flat[index]!s})" for index in order)]
