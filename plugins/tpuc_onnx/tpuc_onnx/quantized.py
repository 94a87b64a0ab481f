"""Models with QuantizeLinear and DequantizeLinear: imported in float, their scales kept as the ranges of tensors.

A pair of the two, with nothing but moves of elements between, rounds and clips. The rounding goes away, since a quantizer will
round by the same scale; so does the clipping, but for one whose range begins at 0: a Relu that was left out because of it comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import numpy_helper

from tpuc_onnx.order import order_of, restore_order

QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"
MOVES = frozenset(("Concat", "DepthToSpace", "Flatten", "Gather", "Identity", "MaxPool", "Reshape", "Slice", "SpaceToDepth", "Split",
                   "Squeeze", "Tile", "Transpose", "Unsqueeze"))
NEVER_NEGATIVE = frozenset(("Abs", "Exp", "HardSigmoid", "ReduceL1", "ReduceL2", "ReduceSumSquare", "Relu", "Sigmoid", "Softmax", "Sqrt"))
# what gives nothing negative where it reads nothing negative
KEEPS_SIGN = MOVES | {"Add", "AveragePool", "Div", "Expand", "GlobalAveragePool", "GlobalMaxPool", "Max", "Mul", "Pad", "Reciprocal",
                      "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Resize", "Sum", "Upsample", QUANTIZE, DEQUANTIZE}

Range = tuple[float, float]


def drop_quantization(model: onnx.ModelProto) -> dict[str, Range]:
    """Make a model with quantized tensors one of floats, in place. The ranges of its tensors, by ONNX name."""
    if not any(node.op_type in (QUANTIZE, DEQUANTIZE) for node in model.graph.node):
        return {}
    return _Dropping(model).run()


@dataclass
class _Dropping:
    model: onnx.ModelProto
    ranges: dict[str, Range] = field(default_factory=dict)

    def __post_init__(self) -> None:
        graph = self.model.graph
        self._weights = {tensor.name: tensor for tensor in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output if name}
        self._outputs = {value.name for value in graph.output}
        self._sources: dict[str, str] = {}  # what to read in the place of a tensor
        self._signs: dict[str, bool] = {}

    def run(self) -> dict[str, Range]:
        self._dequantize_weights()
        graph, order = self.model.graph, order_of(self.model)
        removed = {node.output[0]: node for node in graph.node if node.op_type == QUANTIZE and self._is_open(node)}
        removed |= {node.output[0]: node for node in graph.node if node.op_type == DEQUANTIZE and self._quantizer(node) in removed}
        added = [self._drop(node) for node in removed.values()]
        kept = [onnx.NodeProto.FromString(n.SerializeToString()) for n in graph.node if n.output[0] not in removed]
        kept += [node for node in added if node is not None]
        for node in kept:
            for index, name in enumerate(node.input):
                node.input[index] = self._resolved(name)
        del graph.node[:]
        graph.node.extend(kept)
        restore_order(self.model, order)
        self._spread_ranges()
        del graph.value_info[:]
        return self.ranges

    def _spread_ranges(self) -> None:
        """What is only moved keeps its range: a simplifier may leave one name or the other."""
        for node in self.model.graph.node:
            if node.op_type in MOVES - {"Concat"} and node.input[0] in self.ranges:
                for name in node.output:
                    self.ranges.setdefault(name, self.ranges[node.input[0]])

    def _dequantize_weights(self) -> None:
        """DequantizeLinear of a weight is a weight."""
        graph, done = self.model.graph, []
        for node in graph.node:
            if node.op_type == DEQUANTIZE and all(name in self._weights for name in node.input if name):
                arrays = [numpy_helper.to_array(self._weights[name]) for name in node.input if name]
                attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
                if attributes.get("block_size", 0):
                    continue  # the importer names it
                tensor = numpy_helper.from_array(_dequantized(*arrays, axis=attributes.get("axis", 1)), node.output[0])
                graph.initializer.append(tensor)
                self._weights[node.output[0]] = tensor
                done.append(node)
        for node in done:
            graph.node.remove(node)

    def _quantizer(self, node: onnx.NodeProto) -> str:
        """The integers of a QuantizeLinear that a DequantizeLinear reads, through moves of elements; empty where it does not."""
        maker = self._makers.get(node.input[0])
        while maker is not None and maker.op_type in MOVES:
            maker = self._makers.get(maker.input[0])
        return maker.output[0] if maker is not None and maker.op_type == QUANTIZE else ""

    def _is_open(self, node: onnx.NodeProto) -> bool:
        """Whether a QuantizeLinear can go: one constant scale, and its integers are no output."""
        if node.output[0] in self._outputs or any(name not in self._weights for name in node.input[1:] if name):
            return False
        return int(np.prod(self._weights[node.input[1]].dims)) == 1

    def _drop(self, node: onnx.NodeProto) -> onnx.NodeProto | None:
        """Read past a node; the one that is wanted in its place: an Identity for an output, a Relu."""
        source, output = node.input[0], node.output[0]
        kind = "Identity" if output in self._outputs else ""
        if node.op_type == QUANTIZE:
            low, high = self._range(node)
            self.ranges[self._resolved(source)] = (low, high)
            if low == 0.0 and not self._is_never_negative(source):
                kind = "Relu"
                self.ranges[output] = (low, high)
        if kind:
            return onnx.helper.make_node(kind, [source], [output], name=f"{output}_{kind}")
        self._sources[output] = source
        return None

    def _range(self, node: onnx.NodeProto) -> Range:
        scale = float(numpy_helper.to_array(self._weights[node.input[1]]).reshape(-1)[0])
        has_zero_point = len(node.input) > 2 and bool(node.input[2])
        zero_point = numpy_helper.to_array(self._weights[node.input[2]]).reshape(-1)[0] if has_zero_point else np.uint8(0)
        limits = np.iinfo(zero_point.dtype)
        return (limits.min - int(zero_point)) * scale, (limits.max - int(zero_point)) * scale

    def _resolved(self, name: str) -> str:
        while name in self._sources:
            name = self._sources[name]
        return name

    def _is_never_negative(self, name: str) -> bool:
        """Whether it is plain that a tensor holds nothing negative. Inputs do not: their range says what they hold."""
        if name not in self._signs:
            self._signs[name] = True  # while it is being looked at
            self._signs[name] = self._look(name)
        return self._signs[name]

    def _look(self, name: str) -> bool:
        node = self._makers.get(name)
        if node is None:
            return name not in self._weights or bool(np.all(numpy_helper.to_array(self._weights[name]) >= 0))
        if node.op_type in NEVER_NEGATIVE:
            return True
        if node.op_type == "Clip":
            bounds = [a.f for a in node.attribute if a.name == "min"]
            bounds += [numpy_helper.to_array(self._weights[n]).item() for n in node.input[1:2] if n in self._weights]
            return bool(bounds) and bounds[0] >= 0
        if node.op_type == "Mul" and self._behind(node.input[0]) == self._behind(node.input[1]):
            return True
        if node.op_type not in KEEPS_SIGN:
            return False
        is_arithmetic = node.op_type in ("Add", "Concat", "Div", "Max", "Mul", "Sum")
        return all(self._is_never_negative(n) for n in (node.input if is_arithmetic else node.input[:1]))

    def _behind(self, name: str) -> str:
        """The tensor that a dequantized one was before."""
        while name in self._makers and self._makers[name].op_type in (QUANTIZE, DEQUANTIZE):
            name = self._makers[name].input[0]
        return name


def _dequantized(stored: np.ndarray, scale: np.ndarray, zero_point: np.ndarray | None = None, *, axis: int) -> np.ndarray:
    """(stored - zero_point) * scale in float32, each of one element or one a slice along `axis`."""
    shape = [1] * stored.ndim
    if scale.size > 1:
        shape[axis] = -1
    zero_points = 0 if zero_point is None else zero_point.astype(np.int64).reshape(shape if zero_point.size > 1 else [1] * stored.ndim)
    return ((stored.astype(np.int64) - zero_points) * scale.reshape(shape).astype(np.float32)).astype(np.float32)
