"""The ONNX frontend: a file becomes a `top` model, and a session of onnxruntime on the same graph."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import onnx

from tpuc_core.hookspecs import FrontendOptions
from tpuc_onnx.files import read_model
from tpuc_onnx.graph import Graph
from tpuc_onnx.patterns import fuse_patterns
from tpuc_onnx.quantized import Range, drop_quantization
from tpuc_onnx.simplify import simplify

if TYPE_CHECKING:
    from tpuc_core.ir import Model
    from tpuc_core.session import Session

Shapes = tuple[tuple[int, ...], ...] | None


@dataclass(frozen=True)
class Prepared:
    """A simplified model in its forms: protobuf, its bytes, and the graph that is imported; the ranges that a quantized model
    gave to its tensors, by ONNX name."""

    model: onnx.ModelProto
    data: bytes
    graph: Graph
    ranges: dict[str, Range]


def load(path: str | Path, options: FrontendOptions) -> Model:
    """The file as `top` ops, shapes inferred, in canonical form. Raises TpucError."""
    from tpuc_core.passes import run_passes
    from tpuc_core.passes.canonicalize import Canonicalize
    from tpuc_core.passes.shape_infer import ShapeInfer
    from tpuc_onnx.importer import import_graph

    prepared = prepare(path, options)
    model = import_graph(prepared.graph, options.model_name, options.preprocessing)
    run_passes(model, [ShapeInfer(), Canonicalize()])
    if prepared.ranges:
        _calibrate(model, prepared)
    return model


def _calibrate(model: Model, prepared: Prepared) -> None:
    """Give tensors the ranges that their scales in a quantized model stand for."""
    from xdsl.rewriter import Rewriter

    from tpuc_core.ir import State, is_none, tensor_name, with_element
    from tpuc_core.ir.dialects.quant import CalibratedType
    from tpuc_core.ir.dialects.quant import Range as Limits

    names = {name: tensor for node in prepared.graph.nodes for tensor, name in zip(filter(None, node.outputs), node.result_names)}
    for op in (*model.inputs, *model.ops()):
        for value in (v for v in op.results if not is_none(v)):
            limits = prepared.ranges.get(names.get(tensor_name(value), tensor_name(value)))
            if limits is not None:
                Rewriter.replace_value_with_new_type(value, with_element(value.type, CalibratedType(Limits(*limits))))
    model.state = State.TOP_CALIBRATED
    model.update_function_types()


def reference(path: str | Path, options: FrontendOptions) -> Session:
    """onnxruntime on the simplified model, tensors named as in the imported one."""
    from tpuc_onnx.session import OnnxSession

    prepared = prepare(path, options)
    return OnnxSession(prepared.data, prepared.graph)


def simplified_bytes(path: str | Path, options: FrontendOptions) -> bytes:
    """The simplified model as the content of an .onnx file."""
    return prepare(path, options).data


def prepare(path: str | Path, options: FrontendOptions) -> Prepared:
    """Read and simplify once for import, reference and the simplified file."""
    path = Path(path)
    shapes = None if options.input_shapes is None else tuple(tuple(int(d) for d in s) for s in options.input_shapes)
    modified = path.stat().st_mtime_ns if path.exists() else 0
    with _preparing:  # load and reference may be called side by side
        return _prepare(path, modified, shapes, tuple(options.output_names), tuple(dict(options.constant_inputs).items()))


_preparing = Lock()


@lru_cache(maxsize=1)
def _prepare(path: Path, modified: int, shapes: Shapes, output_names: tuple[str, ...],
             constant_inputs: tuple[tuple[str, float], ...]) -> Prepared:
    model = read_model(path)
    ranges = drop_quantization(model)
    model = simplify(model, shapes, output_names, dict(constant_inputs))
    graph = fuse_patterns(Graph.from_model(model))
    return Prepared(model, model.SerializeToString(), graph, ranges)
