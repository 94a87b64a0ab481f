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
from tpuc_onnx.simplify import simplify

if TYPE_CHECKING:
    from tpuc_core.ir import Model
    from tpuc_core.session import Session

Shapes = tuple[tuple[int, ...], ...] | None


@dataclass(frozen=True)
class Prepared:
    """A simplified model in its forms: protobuf, its bytes, and the graph that is imported."""

    model: onnx.ModelProto
    data: bytes
    graph: Graph


def load(path: str | Path, options: FrontendOptions) -> Model:
    """The file as `top` ops, shapes inferred, in canonical form. Raises TpucError."""
    from tpuc_core.passes import run_passes
    from tpuc_core.passes.canonicalize import Canonicalize
    from tpuc_core.passes.shape_infer import ShapeInfer
    from tpuc_onnx.importer import import_graph

    prepared = prepare(path, options)
    model = import_graph(prepared.graph, options.model_name, options.preprocessing)
    run_passes(model, [ShapeInfer(), Canonicalize()])
    return model


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
        return _prepare(path, modified, shapes, tuple(options.output_names))


_preparing = Lock()


@lru_cache(maxsize=1)
def _prepare(path: Path, modified: int, shapes: Shapes, output_names: tuple[str, ...]) -> Prepared:
    model = simplify(read_model(path), shapes, output_names)
    graph = fuse_patterns(Graph.from_model(model))
    return Prepared(model, model.SerializeToString(), graph)
