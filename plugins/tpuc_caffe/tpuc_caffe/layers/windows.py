"""Sizes of windows as layers write them: one number for both dimensions, one for each, or a field for height and one for width."""

from __future__ import annotations

from typing import Any

from tpuc_caffe.registry import Unsupported
from tpuc_core.errors import TpucError


def pair(parameters: Any, repeated: str, prefix: str, default: int | None = None) -> list[int]:
    """[height, width] of a repeated field such as "pad" or of PREFIX_h and PREFIX_w.

    Raises Unsupported for more than two dimensions, TpucError where the size is not given.
    """
    if parameters.HasField(f"{prefix}_h") or parameters.HasField(f"{prefix}_w"):
        return [getattr(parameters, f"{prefix}_h"), getattr(parameters, f"{prefix}_w")]
    value = getattr(parameters, repeated)
    sizes = [value] if isinstance(value, int) else list(value)
    if isinstance(value, int) and not parameters.HasField(repeated):
        sizes = []
    if len(sizes) > 2:
        raise Unsupported(f"{len(sizes)} spatial dimensions")
    if not sizes:
        if default is None:
            raise TpucError(f"it gives no {repeated}")
        sizes = [default]
    return [sizes[0], sizes[-1]]
