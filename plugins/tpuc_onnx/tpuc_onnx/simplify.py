"""An ONNX model made ready for import: fixed input shapes, chosen outputs, batch norms folded, constants folded.

onnxslim does the general work. Importing it costs more than importing most models, so it is called only where a graph has
something that it could simplify; and it sees no large weights, which it would copy several times.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from tpuc_core.errors import TpucError, did_you_mean
from tpuc_onnx.branches import take_branches
from tpuc_onnx.functions import expand_functions
from tpuc_onnx.inputs import check_types, drop_initializer_inputs, fix_input_shapes, make_constant
from tpuc_onnx.order import order_of, restore_order

# nodes that a simplifier leaves alone, whatever their surroundings, when all their parameters are initializers
PLAIN_OPS = frozenset((
    "Abs", "Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "Conv", "ConvTranspose",
    "DepthToSpace", "Div", "Elu", "Erf", "Exp", "Flatten", "Gelu", "Gemm", "GlobalAveragePool",
    "GlobalMaxPool", "HardSigmoid", "HardSwish", "LRN", "LayerNormalization", "LeakyRelu", "Log",
    "LogSoftmax", "MatMul", "MaxPool", "Mul", "Neg", "PRelu", "Pow", "Relu", "Resize", "Sigmoid", "Softmax",
    "Softplus", "SpaceToDepth", "Split", "Sqrt", "Sub", "Sum", "Tanh", "Upsample",
))
# weights of these ops are hidden from the simplifier
WEIGHT_OPS = frozenset(("Conv", "ConvTranspose", "Gemm", "MatMul"))
# ops whose constants the simplifier merges into the weights of the op before them
MERGED_OPS = frozenset(("Add", "BatchNormalization", "Div", "Mul", "Pad", "Sub"))
LARGE_ELEMENTS = 4096
# without the changes that cost names or reshapes and gain nothing (canonicalization merges biases), or that compare all weights
SLIM_OPTIONS: dict[str, Any] = {
    "skip_optimizations": ["weight_tying"],
    "skip_fusion_patterns": ["FusionGemm", "FusionGemmMul", "FusionGemmAdd", "EliminationTransposeAsReshape"],
}


def simplify(model: onnx.ModelProto, input_shapes: Sequence[Sequence[int]] | None, output_names: Sequence[str],
             constant_inputs: Mapping[str, float] | None = None) -> onnx.ModelProto:
    """The model, changed in place where possible, with fixed shapes. Raises TpucError: shapes or names that do not fit."""
    model = settle(model, input_shapes, output_names, constant_inputs or {})
    return model if is_plain(model) else slim(model)


def settle(model: onnx.ModelProto, input_shapes: Sequence[Sequence[int]] | None, output_names: Sequence[str],
           constant_inputs: Mapping[str, float]) -> onnx.ModelProto:
    """What must be done before import: inputs fixed, branches taken, functions expanded, outputs chosen, batch norms folded."""
    drop_initializer_inputs(model)
    check_types(model)
    make_constant(model, constant_inputs)
    fix_input_shapes(model, input_shapes)
    take_branches(model)
    model = expand_functions(model)
    if output_names:
        cut_outputs(model, output_names)
    drop_unused(model)
    fold_batch_norms(model)
    return model


def cut_outputs(model: onnx.ModelProto, names: Sequence[str]) -> None:
    """End the model at these tensors: ONNX names, or OUTPUT_OPTYPE as in an imported model."""
    tensors = {name: name for node in model.graph.node for name in node.output if name}
    aliases = {f"{name}_{node.op_type}": name for node in model.graph.node for name in node.output if name}
    known = {o.name: o for o in [*model.graph.value_info, *model.graph.output]}
    outputs = []
    for name in names:
        tensor = tensors.get(name) or aliases.get(name)
        if tensor is None:
            hint = did_you_mean(name, tensors).rpartition("; ")[2]
            raise TpucError(f'--output_names: no tensor "{name}" in the model' + (f"; {hint}" if hint.startswith("did you") else ""))
        outputs.append(known.get(tensor) or onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, None))
    copies = [onnx.ValueInfoProto.FromString(o.SerializeToString()) for o in outputs]
    del model.graph.output[:]
    model.graph.output.extend(copies)


def drop_unused(model: onnx.ModelProto) -> None:
    """Remove nodes and initializers that no output needs."""
    needed = {o.name for o in model.graph.output}
    kept = []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
            needed.update(*(_outer_names(a.g) for a in node.attribute if a.HasField("g")))
    if len(kept) == len(model.graph.node):
        return
    kept = [onnx.NodeProto.FromString(n.SerializeToString()) for n in reversed(kept)]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    _drop_initializers(model, {t.name for t in model.graph.initializer} - needed)


def _outer_names(graph: onnx.GraphProto) -> set[str]:
    names = {name for node in graph.node for name in node.input}
    return names.union(*(_outer_names(a.g) for node in graph.node for a in node.attribute if a.HasField("g")))


def _drop_initializers(model: onnx.ModelProto, names: set[str]) -> None:
    for index in reversed(range(len(model.graph.initializer))):
        if model.graph.initializer[index].name in names:
            del model.graph.initializer[index]


def fold_batch_norms(model: onnx.ModelProto) -> None:
    """y = (conv(x, w) + b - mean) * k + beta, k = gamma / sqrt(variance + epsilon)  ->  conv(x, w * k) + (b - mean) * k + beta.

    The convolution takes the batch norm's output name; the new weights are named after it.
    """
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    uses: dict[str, int] = {o.name: 1 for o in model.graph.output}
    makers: dict[str, onnx.NodeProto] = {}
    for node in model.graph.node:
        makers.update(dict.fromkeys(node.output, node))
        for name in node.input:
            uses[name] = uses.get(name, 0) + 1
    folded = []
    for node in model.graph.node:
        conv = makers.get(node.input[0]) if node.op_type == "BatchNormalization" else None
        if conv is None or conv.op_type not in ("Conv", "ConvTranspose") or uses[node.input[0]] != 1:
            continue
        parameters = [*conv.input[1:], *node.input[1:]]
        if len(node.output) == 1 and all(name in tensors for name in parameters if name):
            _fold_batch_norm(model, conv, node, tensors)
            folded.append(node)
    for node in folded:
        model.graph.node.remove(node)
    if folded:
        used = {name for node in model.graph.node for name in node.input}
        _drop_initializers(model, set(tensors) - used)


def _fold_batch_norm(model: onnx.ModelProto, conv: onnx.NodeProto, norm: onnx.NodeProto, tensors: dict[str, onnx.TensorProto]) -> None:
    gamma, beta, mean, variance = (numpy_helper.to_array(tensors[name]).astype(np.float64) for name in norm.input[1:5])
    epsilon = next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5)
    weight = numpy_helper.to_array(tensors[conv.input[1]])
    bias = numpy_helper.to_array(tensors[conv.input[2]]).astype(np.float64) if len(conv.input) > 2 and conv.input[2] else 0.0
    factor = gamma / np.sqrt(variance + epsilon)
    spatial = (1,) * (weight.ndim - 2)
    if conv.op_type == "Conv":
        scaled = weight * factor.reshape(-1, 1, *spatial).astype(np.float32)
    else:  # [ic, oc / group, ...]: the channels of a group lie side by side
        group = next((a.i for a in conv.attribute if a.name == "group"), 1)
        blocks = weight.reshape(group, -1, *weight.shape[1:]) * factor.reshape(group, 1, -1, *spatial).astype(np.float32)
        scaled = blocks.reshape(weight.shape)
    names = [f"{norm.output[0]}_weight", f"{norm.output[0]}_bias"]
    arrays = [scaled.astype(weight.dtype), ((bias - mean) * factor + beta).astype(weight.dtype)]
    model.graph.initializer.extend(numpy_helper.from_array(a, n) for a, n in zip(arrays, names))
    conv.input[:] = [conv.input[0], *names]
    conv.output[0] = norm.output[0]


def is_plain(model: onnx.ModelProto) -> bool:
    """Whether there is nothing in the graph that a simplifier could improve."""
    weights = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type not in PLAIN_OPS or all(name in weights for name in node.input if name):
            return False
        if node.op_type in ("Resize", "Upsample", "Split", "Clip") and not all(n in weights for n in node.input[1:] if n):
            return False
    return True


def slim(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model simplified by onnxslim, its large weights untouched, its nodes in the order that they had."""
    order = order_of(model)
    hidden = _hide_weights(model)
    try:
        slimmed = _run_onnxslim(model)
        _show_weights(slimmed, hidden)
    except Exception:  # a pass of onnxslim that wants the values after all
        _show_weights(model, hidden)
        slimmed = _try_onnxslim(model) if hidden else model
    restore_order(slimmed, order)
    return slimmed


def _try_onnxslim(model: onnx.ModelProto) -> onnx.ModelProto:
    try:
        return _run_onnxslim(model)
    except Exception:  # the importer folds constants itself; what it cannot import it names
        return model


def _run_onnxslim(model: onnx.ModelProto) -> onnx.ModelProto:
    import onnxslim

    with contextlib.redirect_stdout(io.StringIO()):
        slimmed = onnxslim.slim(model, **SLIM_OPTIONS)
    if not isinstance(slimmed, onnx.ModelProto):
        raise ValueError("onnxslim gave no model")
    return slimmed


def _hide_weights(model: onnx.ModelProto) -> dict[str, bytes]:
    """Take the data of large weights away that only convolutions and matrix products use, when nothing is merged into them."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    weights = {tensor.name for tensor in model.graph.initializer}
    hidden = {}
    for tensor in model.graph.initializer:
        users = readers.get(tensor.name, [])
        if tensor.raw_data and math.prod(tensor.dims) >= LARGE_ELEMENTS and users and all(_is_opaque(u, readers, weights) for u in users):
            hidden[tensor.name] = tensor.raw_data
            tensor.raw_data = b""
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="hidden")
    return hidden


def _is_opaque(user: onnx.NodeProto, readers: dict[str, list[onnx.NodeProto]], weights: set[str]) -> bool:
    if user.op_type not in WEIGHT_OPS or user.input[0] in weights:
        return False
    followers = readers.get(user.output[0], [])
    return not any(f.op_type in MERGED_OPS and any(name in weights for name in f.input) for f in followers)


def _show_weights(model: onnx.ModelProto, hidden: dict[str, bytes]) -> None:
    for tensor in model.graph.initializer:
        if tensor.name in hidden:
            tensor.raw_data = hidden[tensor.name]
            tensor.data_location = onnx.TensorProto.DEFAULT
            del tensor.external_data[:]
