"""Running .mlir files: `top` models in float, `tpu` models with the arithmetic of their chip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tpuc_core.images import Preprocessing
    from tpuc_core.ir import Model
    from tpuc_core.session import Session


class MlirRunner:
    """The built-in runner of .mlir files."""

    name = "mlir"
    suffixes: tuple[str, ...] = (".mlir",)

    def open(self, path: Path) -> Session:
        from tpuc_core.ir import load_model

        return open_model(load_model(path))


def open_model(model: Model) -> Session:
    """A session on a model: float evaluation of `top` ops, the chip's interpreter for `tpu` ops. Raises TpucError.

    Its attribute `preprocessing` says how pictures become inputs (picture_attributes).
    """
    if not model.state.startswith("TOP"):
        from tpuc_core.plugins import plugins

        session = plugins().chip(model.chip).interpret(model)
        session.preprocessing = picture_attributes(model)  # type: ignore[attr-defined]
        return session
    from tpuc_core.evaluate import FloatSession

    return FloatSession(model)


def preprocessing_of(model: Model) -> dict[str, tuple[tuple[int, ...], Preprocessing | None]]:
    """The inputs of a model in order: shape, and preprocessing where an input takes pictures."""
    from tpuc_core.images import Preprocessing
    from tpuc_core.ir import TensorOp, shape_of, tensor_name

    inputs = {}
    for op in model.inputs:
        attributes = None
        if isinstance(op, TensorOp) and op.get("channel_format"):
            attributes = {name: op.get(name) for name in Preprocessing().attributes()}
        preprocessing = None if attributes is None else Preprocessing.from_attributes(attributes)
        inputs[tensor_name(op.results[0])] = (shape_of(op.results[0]), preprocessing)
    return inputs


def picture_attributes(model: Model) -> dict[str, Any] | None:
    """The preprocessing of the first input that takes pictures, as attributes of a top.Input; None where none does."""
    found = [preprocessing for _, preprocessing in preprocessing_of(model).values() if preprocessing is not None]
    return found[0].attributes() if found else None
