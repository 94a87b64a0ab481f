"""The TFLite frontend: a file becomes a `top` model, and a session of LiteRT on the same file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from tpuc_core.hookspecs import FrontendOptions
from tpuc_core.images import Preprocessing
from tpuc_tflite.files import read_graph
from tpuc_tflite.graph import Graph
from tpuc_tflite.importer import Importer, cut
from tpuc_tflite.layout import Layout
from tpuc_tflite.shapes import with_input_shapes

if TYPE_CHECKING:
    from tpuc_core.ir import Model
    from tpuc_core.session import Session

Shapes = tuple[tuple[int, ...], ...] | None


@dataclass(frozen=True)
class Prepared:
    """A graph, its model before any rewriting, and where the model's tensors are in the file."""

    graph: Graph
    model: Model
    layouts: dict[str, tuple[int, Layout]]


def load(path: str | Path, options: FrontendOptions) -> Model:
    """The file as `top` ops, in canonical form; state TOP_QUANTIZED where it computes with integers. Raises TpucError."""
    from tpuc_core.passes import run_passes
    from tpuc_core.passes.canonicalize import Canonicalize

    model = prepare(path, options).model.clone()
    run_passes(model, [Canonicalize()])
    return model


def reference(path: str | Path, options: FrontendOptions) -> Session:
    """LiteRT on the file, tensors named and laid out as in the imported model."""
    from tpuc_tflite.session import LiteRtSession

    prepared = prepare(path, options)
    return LiteRtSession(prepared.graph, prepared.layouts)


def prepare(path: str | Path, options: FrontendOptions) -> Prepared:
    """Read and import once for the model and its reference."""
    path = Path(path)
    shapes = None if options.input_shapes is None else tuple(tuple(int(d) for d in s) for s in options.input_shapes)
    modified = path.stat().st_mtime_ns if path.exists() else 0
    with _preparing:  # load and reference may be called side by side
        return _prepare(path, modified, shapes, tuple(options.output_names), options.model_name, options.preprocessing)


_preparing = Lock()


@lru_cache(maxsize=1)
def _prepare(
    path: Path,
    modified: int,
    shapes: Shapes,
    output_names: Sequence[str],
    name: str,
    preprocessing: Preprocessing | None,
) -> Prepared:
    graph = cut(with_input_shapes(read_graph(path), shapes), output_names)
    importer = Importer(graph, name, preprocessing)
    model = importer.run()
    return Prepared(graph, model, importer.layouts())
