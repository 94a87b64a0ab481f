"""Reading .onnx files, with what can be wrong about them said in a sentence."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx.external_data_helper
from google.protobuf.message import DecodeError

from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file

OLDEST_IR = 3
OLDEST_OPSET = 7


def read_model(path: str | Path) -> onnx.ModelProto:
    """The model with external data loaded. Raises TpucError: no file, empty, truncated, foreign or damaged, IR or opset out of range."""
    path = existing_file(path)
    data = path.read_bytes()
    if not data:
        raise TpucError(f'"{path}" is empty')
    try:
        model = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise TpucError(f'"{path}" is not an ONNX file, or it is truncated') from error
    if not model.graph.node and not model.graph.output:
        raise TpucError(f'"{path}" is not an ONNX file: it holds no graph')
    _check_names(model.graph, path)
    if any(onnx.external_data_helper.uses_external_data(tensor) for tensor in model.graph.initializer):
        _load_external_data(model, path)
    _check_versions(model, path)
    return _converted(model, path) if opset_of(model) < OLDEST_OPSET else model


def _check_names(graph: onnx.GraphProto, path: Path) -> None:
    """What is no UTF-8 comes out of the parser as bytes."""
    names = [text for node in graph.node for text in (node.op_type, node.domain, node.name, *node.input, *node.output)]
    names += [each.name for each in (*graph.input, *graph.output, *graph.initializer, *(a for n in graph.node for a in n.attribute))]
    if any(isinstance(name, bytes) for name in names):
        raise TpucError(f'"{path}" is damaged: a name in it is no UTF-8 text')
    for attribute in (a for node in graph.node for a in node.attribute):
        for inner in (attribute.g, *attribute.graphs):
            if inner.node:
                _check_names(inner, path)


def _load_external_data(model: onnx.ModelProto, path: Path) -> None:
    try:
        onnx.load_external_data_for_model(model, str(path.parent))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise TpucError(f'the weights of "{path}" lie in another file that cannot be read: {error}') from error


def opset_of(model: onnx.ModelProto) -> int:
    """The version of the default operator set."""
    return next((int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)


def _check_versions(model: onnx.ModelProto, path: Path) -> None:
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST_IR <= model.ir_version <= onnx.IR_VERSION:
        raise TpucError(f'"{path}" has ONNX IR version {model.ir_version}; {OLDEST_IR} to {onnx.IR_VERSION} can be read')
    if opset_of(model) > newest:
        raise TpucError(f'"{path}" has opset {opset_of(model)}; {OLDEST_OPSET} to {newest} can be read')


def _converted(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """An old model in the oldest opset that is imported, by the converter of the package onnx."""
    import onnx.version_converter

    try:
        return onnx.version_converter.convert_version(model, OLDEST_OPSET)
    except Exception as error:  # it has many kinds, all of them about the model
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise TpucError(f'"{path}" has opset {opset_of(model)}, and cannot be converted to {OLDEST_OPSET}: {reason}') from error
