"""Functions in place of operators: those that a model defines, and those by which ONNX defines operators that are not imported."""

from __future__ import annotations

import onnx
import onnx.inliner

from tpuc_onnx.files import opset_of
from tpuc_onnx.folding import RANDOM_OPS
from tpuc_onnx.registry import converters

# operators whose bodies are loops, or of values that are not the network's
KEPT = RANDOM_OPS | {"Range", "SequenceMap", "AffineGrid", "BlackmanWindow", "HammingWindow", "HannWindow"}


def expand_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with calls of functions replaced by their bodies; the same one where there are none."""
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    names = {node.op_type for node in model.graph.node if not node.domain} - set(converters()) - KEPT
    names = {name for name in names if _has_body(name, opset_of(model))}
    if not names:
        return model
    return onnx.inliner.inline_selected_functions(model, [("", name) for name in sorted(names)], inline_schema_functions=True)


def _has_body(name: str, opset: int) -> bool:
    try:
        schema = onnx.defs.get_schema(name, opset)
    except onnx.defs.SchemaError:  # the importer names it
        return False
    return schema.has_function or schema.has_context_dependent_function
