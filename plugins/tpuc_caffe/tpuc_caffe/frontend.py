"""The Caffe frontend: files become a `top` model, and a session of OpenCV on the same net."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from tpuc_caffe.files import model_files
from tpuc_caffe.net import Net, read_net
from tpuc_core.hookspecs import FrontendOptions

if TYPE_CHECKING:
    from tpuc_core.ir import Model
    from tpuc_core.session import Session


def load(files: Sequence[str | Path], options: FrontendOptions) -> Model:
    """The files as `top` ops, shapes inferred, in canonical form. Raises TpucError."""
    from tpuc_caffe.importer import import_net
    from tpuc_core.passes import run_passes
    from tpuc_core.passes.canonicalize import Canonicalize
    from tpuc_core.passes.shape_infer import ShapeInfer

    model = import_net(prepare(files, options), options.model_name, options.preprocessing)
    run_passes(model, [ShapeInfer(), Canonicalize()])
    return model


def reference(files: Sequence[str | Path], options: FrontendOptions) -> Session:
    """OpenCV on the same files, tensors named as in the imported model."""
    from tpuc_caffe.session import CaffeSession

    return CaffeSession(*model_files(files), prepare(files, options))


def prepare(files: Sequence[str | Path], options: FrontendOptions) -> Net:
    """Read once for import and reference."""
    prototxt, caffemodel = model_files(files)
    shapes = None if options.input_shapes is None else tuple(tuple(int(d) for d in s) for s in options.input_shapes)
    modified = tuple(path.stat().st_mtime_ns for path in (prototxt, caffemodel) if path)
    with _preparing:  # load and reference may be called side by side
        return _prepare(prototxt, caffemodel, modified, shapes, tuple(options.output_names))


_preparing = Lock()


@lru_cache(maxsize=1)
def _prepare(prototxt: Path, caffemodel: Path | None, modified: tuple[int, ...], shapes: tuple[tuple[int, ...], ...] | None,
             output_names: tuple[str, ...]) -> Net:
    net = read_net(prototxt, caffemodel, shapes)
    if output_names:
        net.end_at(output_names)
    return net
