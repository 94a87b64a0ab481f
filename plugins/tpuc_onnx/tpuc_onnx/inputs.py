"""The inputs of an ONNX model: which are weights or constants, and fixed shapes for the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnx
from onnx import numpy_helper

from tpuc_core.errors import TpucError, unknown
from tpuc_onnx.dtypes import dtype_of_tensor_type

# for dimensions that a file leaves open, in the order in which they are tried
SIZES = (224, 320, 256, 128, 64, 48, 32, 96, 416, 640, 512, 1024, 1536, 4096, 16000)
# the element types that an input may have
NUMBERS = frozenset(getattr(onnx.TensorProto, name) for name in (
    "BOOL", "DOUBLE", "FLOAT", "FLOAT16", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"))
BATCH_NAMES = ("batch", "n", "b", "bs")
# a model beyond this is not tried out for an error message
LARGEST_TRIED_BYTES = 200 << 20


def drop_initializer_inputs(model: onnx.ModelProto) -> None:
    """Inputs that have an initializer are weights (IR version 3 lists them twice)."""
    weights = {tensor.name for tensor in model.graph.initializer}
    kept = [i for i in model.graph.input if i.name not in weights]
    if len(kept) != len(model.graph.input):
        del model.graph.input[:]
        model.graph.input.extend(kept)


def check_types(model: onnx.ModelProto) -> None:
    """Raises TpucError for inputs that are no tensors, or tensors of what is not a number."""
    for value in model.graph.input:
        kind = value.type.WhichOneof("value")
        if kind != "tensor_type":
            raise TpucError(f'input "{value.name}" is not a tensor but a {str(kind).removesuffix("_type")}, which is not supported')
        number = value.type.tensor_type.elem_type
        if number not in NUMBERS:
            raise TpucError(f'input "{value.name}" has elements of type {onnx.TensorProto.DataType.Name(number)}, which is not supported')


def fix_input_shapes(model: onnx.ModelProto, input_shapes: Sequence[Sequence[int]] | None) -> None:
    """Set the shapes that the user gave, or see that those in the file are fixed."""
    inputs = model.graph.input
    declared = [[d.dim_value for d in i.type.tensor_type.shape.dim] for i in inputs]
    if input_shapes is None:
        if any(dim <= 0 for shape in declared for dim in shape):
            names = [i.name for i, shape in zip(inputs, declared) if any(dim <= 0 for dim in shape)]
            example = str(working_shapes(model)).replace(" ", "")
            raise TpucError(f'input "{names[0]}" has no fixed shape; give it, for example --input_shapes {example}')
        return
    if len(input_shapes) != len(inputs):
        raise TpucError(f"--input_shapes has {len(input_shapes)} shapes; the model has {len(inputs)} inputs: {', '.join(i.name for i in inputs)}")
    for given, shape, value in zip(input_shapes, declared, inputs):
        if shape and len(given) != len(shape):
            raise TpucError(f'--input_shapes gives {list(given)} for input "{value.name}", which has {len(shape)} dimensions: {_shown(value)}')
        if any(dim <= 0 for dim in given):
            raise TpucError(f'--input_shapes gives {list(given)} for input "{value.name}"; every dimension must be positive')
    if [list(s) for s in input_shapes] == declared:
        return
    for given, value in zip(input_shapes, inputs):
        del value.type.tensor_type.shape.dim[:]
        value.type.tensor_type.shape.dim.extend(onnx.TensorShapeProto.Dimension(dim_value=d) for d in given)
    _forget_shapes(model)


def _forget_shapes(model: onnx.ModelProto) -> None:
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")


def _shown(value: onnx.ValueInfoProto) -> str:
    return "[" + ", ".join(d.dim_param or (str(d.dim_value) if d.dim_value else "?") for d in value.type.tensor_type.shape.dim) + "]"


def make_constant(model: onnx.ModelProto, values: Mapping[str, float]) -> None:
    """Turn inputs that always have one value into weights. Raises TpucError: no such input, a shape that is open."""
    inputs = {i.name: i for i in model.graph.input}
    for name, value in values.items():
        if name not in inputs:
            raise unknown("input", name, inputs)
        tensor = inputs[name].type.tensor_type
        shape = [d.dim_value for d in tensor.shape.dim]
        if any(dim <= 0 for dim in shape):
            raise TpucError(f'--constant_inputs: input "{name}" has the open shape {_shown(inputs[name])}')
        model.graph.initializer.append(numpy_helper.from_array(np.full(shape, value, dtype_of_tensor_type(tensor.elem_type)), name))
        model.graph.input.remove(inputs[name])


def working_shapes(model: onnx.ModelProto) -> list[list[int]]:
    """Shapes with which the model runs in onnxruntime, found by trying; a guess where none of them does."""
    guesses = _guesses(model)
    first = next(guesses)
    if model.ByteSize() > LARGEST_TRIED_BYTES:
        return first
    from tpuc_onnx.session import open_bytes

    try:
        session = open_bytes(model.SerializeToString())
    except TpucError:
        return first
    dtypes = [dtype_of_tensor_type(i.type.tensor_type.elem_type) for i in model.graph.input]
    names = [i.name for i in model.graph.input]
    for shapes in (first, *guesses):
        try:
            session.run(None, {n: np.zeros(s, d) for n, s, d in zip(names, shapes, dtypes)})
        except Exception:  # onnxruntime has many kinds: the guess does not fit
            continue
        return shapes
    return first


def _guesses(model: onnx.ModelProto) -> Iterator[list[list[int]]]:
    """Shapes: 1 for batches and the first open dimension of an input, one of SIZES for all others."""
    inputs = [list(i.type.tensor_type.shape.dim) for i in model.graph.input]
    ones = {dim.dim_param for dims in inputs for dim in dims[:1] if dim.dim_value <= 0 and dim.dim_param not in ("", "?")}
    for size in SIZES:
        yield [[_guess(dim, axis, ones, size) for axis, dim in enumerate(dims)] for dims in inputs]


def _guess(dim: onnx.TensorShapeProto.Dimension, axis: int, ones: set[str], size: int) -> int:
    if dim.dim_value > 0:
        return dim.dim_value
    return 1 if axis == 0 or dim.dim_param in ones or dim.dim_param.lower() in BATCH_NAMES else size
