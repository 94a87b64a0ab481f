"""Functions in place of operators: those that a model defines, and those by which ONNX defines operators that are not imported."""

from __future__ import annotations

import contextlib

import onnx
import onnx.inliner

from tpuc_onnx.files import opset_of
from tpuc_onnx.folding import RANDOM_OPS
from tpuc_onnx.registry import CONVERTERS

# operators whose bodies are loops, or of values that are not the network's
KEPT = RANDOM_OPS | {"Range", "SequenceMap", "AffineGrid", "BlackmanWindow", "HammingWindow", "HannWindow"}
# how many functions may call each other
DEEPEST = 8


def expand_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with calls of functions replaced by their bodies; the same one where there are none."""
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    for _ in range(DEEPEST):
        names = {node.op_type for node in model.graph.node if not node.domain} - set(CONVERTERS.by_operator) - KEPT
        names = {name for name in names if _has_body(name, opset_of(model))}
        if not names:
            break
        calls = [("", name) for name in sorted(names)]
        _write_defaults(model, names)
        try:
            model = onnx.inliner.inline_selected_functions(_with_types(model), calls, inline_schema_functions=True)
        except RuntimeError:  # a body that the inliner cannot choose: the importer names the operator
            break
    return model


def _write_defaults(model: onnx.ModelProto, names: set[str]) -> None:
    """Give nodes the attributes that they leave at their default: a body refers to them."""
    for node in (n for n in model.graph.node if n.op_type in names):
        present = {attribute.name for attribute in node.attribute}
        for name, attribute in onnx.defs.get_schema(node.op_type, opset_of(model)).attributes.items():
            if name not in present and attribute.default_value.name:
                node.attribute.append(attribute.default_value)


def _with_types(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the types of all tensors written down, by which some functions choose their bodies."""
    known = {value.name for value in model.graph.value_info}
    model.graph.value_info.extend(
        onnx.helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in model.graph.initializer if t.name not in known)
    with contextlib.suppress(onnx.shape_inference.InferenceError):  # the importer says what is wrong
        return onnx.shape_inference.infer_shapes(model)
    return model


def _has_body(name: str, opset: int) -> bool:
    try:
        schema = onnx.defs.get_schema(name, opset)
    except onnx.defs.SchemaError:  # the importer names it
        return False
    return schema.has_function or schema.has_context_dependent_function
