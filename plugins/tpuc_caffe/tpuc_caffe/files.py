"""Reading .prototxt and .caffemodel files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from google.protobuf.message import DecodeError

from tpuc_caffe.schema import message_class
from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file

Weights = dict[str, list[np.ndarray]]


def model_files(files: Sequence[str | Path]) -> tuple[Path, Path | None]:
    """The .prototxt and its .caffemodel: the one given, else the one of the same name beside it, else None.

    Raises TpucError: a file is missing, or the two are not of these kinds.
    """
    prototxt = existing_file(files[0])
    if prototxt.suffix == ".caffemodel":
        raise TpucError(f'"{prototxt}" holds weights: give the .prototxt as the model, and this file as its weights')
    if len(files) > 1:
        return prototxt, existing_file(files[1])
    beside = prototxt.with_suffix(".caffemodel")
    return prototxt, beside if beside.is_file() else None


def read_prototxt(path: str | Path) -> Any:
    """The NetParameter that a text file describes; fields that say nothing about inference are skipped.

    Raises TpucError: no such file, or not a description of a net.
    """
    path = existing_file(path)
    net = message_class("NetParameter")()
    try:
        text_format.Parse(path.read_text(encoding="utf-8", errors="replace"), net, allow_unknown_field=True)
    except text_format.ParseError as error:
        raise TpucError(f'"{path}" is not a description of a Caffe net: {error}') from error
    if not net.layer and not net.layers:
        raise TpucError(f'"{path}" is not a description of a Caffe net: it has no layers')
    return net


def read_weights(path: str | Path) -> Weights:
    """The arrays of each layer of a .caffemodel, float32, by the layer's name. Raises TpucError: not such a file."""
    path = existing_file(path)
    try:
        net = message_class("NetParameter").FromString(path.read_bytes())
    except DecodeError as error:
        raise TpucError(f'"{path}" is not a .caffemodel, or it is truncated') from error
    weights: Weights = {}
    for layer in (*net.layers, *net.layer):
        if layer.blobs:
            weights[layer.name] = [_array(blob, f'a weight of layer "{layer.name}" in "{path}"') for blob in layer.blobs]
    if not weights:
        raise TpucError(f'"{path}" is not a .caffemodel: no layer in it has weights')
    return weights


def _array(blob: Any, what: str) -> np.ndarray:
    """A blob as an array; files of old have four sizes in place of a shape."""
    data = blob.data if len(blob.data) else blob.double_data
    array = np.fromiter(data, np.float32, len(data))
    if blob.HasField("shape"):
        shape = tuple(blob.shape.dim)
    elif any(map(blob.HasField, ("num", "channels", "height", "width"))):
        shape = (blob.num, blob.channels, blob.height, blob.width)
    else:
        shape = array.shape
    if array.size != int(np.prod(shape)):
        raise TpucError(f"{what} has {array.size} values for a shape of {list(shape)}: the file is damaged")
    return array.reshape(shape)
