#!/usr/bin/env python3
"""Make an ONNX model (NCHW, float32, opset 13, IR version 7) of a TFLite classifier.

    python regression/derive_models.py MODEL.tflite MODEL.onnx

Quantized weights become real numbers, and every quantized activation is clipped to the range that its scale and zero
point can hold: there a quantized model has its ReLU6. Takes the ten operators of plain classifiers. Image inputs
become [n, 3, h, w]; other sizes, names and preprocessing stay.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

OPCODES = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.INT32: np.int32,
    tflite.TensorType.UINT8: np.uint8,
    tflite.TensorType.INT8: np.int8,
}
SIX = 6.0


def same_padding(size: int, output: int, kernel: int, stride: int) -> tuple[int, int]:
    """TFLite's SAME: the odd pixel goes to the end."""
    total = max(0, (output - 1) * stride + kernel - size)
    return total // 2, total - total // 2


class Derivation:
    """One TFLite graph on its way to ONNX; names are those of the TFLite tensors."""

    def __init__(self, model: tflite.Model):
        self.model, self.graph = model, model.Subgraphs(0)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.input, self.output = self.graph.Inputs(0), self.graph.Outputs(0)

    def name(self, index: int) -> str:
        return self.graph.Tensors(index).Name().decode()

    def shape(self, index: int) -> list[int]:
        return [int(d) for d in self.graph.Tensors(index).ShapeAsNumpy()]

    def real_shape(self, index: int) -> list[int]:
        """The shape in the ONNX model."""
        shape = self.shape(index)
        return [shape[0], shape[3], shape[1], shape[2]] if len(shape) == 4 else shape

    def quantization(self, index: int) -> tuple[np.ndarray, np.ndarray, int] | None:
        """Scales, zero points, axis."""
        parameters = self.graph.Tensors(index).Quantization()
        if parameters is None or parameters.ScaleLength() == 0:
            return None
        return parameters.ScaleAsNumpy(), parameters.ZeroPointAsNumpy(), parameters.QuantizedDimension()

    def weight(self, index: int) -> np.ndarray:
        """A constant as real numbers."""
        tensor = self.graph.Tensors(index)
        raw = self.model.Buffers(tensor.Buffer()).DataAsNumpy()
        stored = raw.view(DTYPES[tensor.Type()]).reshape(self.shape(index))
        if (quantization := self.quantization(index)) is None:
            return stored
        scale, zero_point, axis = quantization
        along = [-1 if i == axis else 1 for i in range(stored.ndim)] if scale.size > 1 else [1] * stored.ndim
        return ((stored.astype(np.float64) - zero_point.reshape(along)) * scale.reshape(along)).astype(np.float32)

    def constant(self, name: str, array: np.ndarray) -> str:
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))
        return output

    def activated(self, kind: str, inputs: list[str], index: int, activation: int, **attributes) -> None:
        """A node with its fused activation, and the clipping of a quantized output behind it."""
        limits = None
        if quantization := self.quantization(index):
            scale, zero_point, _ = quantization
            low, high = (0, 255) if self.graph.Tensors(index).Type() == tflite.TensorType.UINT8 else (-128, 127)
            limits = tuple((stored - int(zero_point[0])) * float(scale[0]) for stored in (low, high))
        elif activation == tflite.ActivationFunctionType.RELU6:
            limits = (0.0, SIX)
        name = self.name(index)
        is_relu = activation == tflite.ActivationFunctionType.RELU and limits is None
        plain = self.node(kind, inputs, f"{name}_linear" if limits or is_relu else name, **attributes)
        if limits:
            ends = [self.constant(f"{name}_{end}", np.float32(value)) for end, value in zip(("low", "high"), limits)]
            self.node("Clip", [plain, *ends], name)
        elif is_relu:
            self.node("Relu", [plain], name)

    def convert(self) -> onnx.ModelProto:
        for i in range(self.graph.OperatorsLength()):
            operator = self.graph.Operators(i)
            code = self.model.OperatorCodes(operator.OpcodeIndex())
            kind = OPCODES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            method = getattr(self, f"_{kind.lower()}", None)
            if method is None:
                raise SystemExit(f"derive_models.py: operator {kind} is not one of a plain classifier")
            method(operator, [int(x) for x in operator.InputsAsNumpy()], int(operator.Outputs(0)))
        ends = [
            helper.make_tensor_value_info(self.name(i), TensorProto.FLOAT, self.real_shape(i))
            for i in (self.input, self.output)
        ]
        graph = helper.make_graph(self.nodes, "derived", ends[:1], ends[1:], list(self.constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="tpuc-zoo")
        model.ir_version = 7
        onnx.checker.check_model(model)
        return model

    def _options(self, operator: tflite.Operator, kind: type):
        options, table = kind(), operator.BuiltinOptions()
        options.Init(table.Bytes, table.Pos)
        return options

    def _window(self, options, inputs: list[int], output: int, kernel: list[int]) -> dict:
        strides = [options.StrideH(), options.StrideW()]
        pads = [(0, 0), (0, 0)]
        if options.Padding() == tflite.Padding.SAME:
            sizes, outputs = self.shape(inputs[0])[1:3], self.shape(output)[1:3]
            pads = [same_padding(*axis) for axis in zip(sizes, outputs, kernel, strides)]
        begin, end = zip(*pads)
        return {"kernel_shape": kernel, "strides": strides, "pads": [*begin, *end]}

    def _convolution(self, options, inputs: list[int], output: int, filters: np.ndarray, group: int) -> None:
        """`filters` [oc, ic / group, kh, kw]."""
        window = self._window(options, inputs, output, list(filters.shape[2:]))
        names = [self.name(inputs[0]), self.constant(self.name(inputs[1]), filters)]
        names.append(self.constant(self.name(inputs[2]), self.weight(inputs[2]).astype(np.float32)))
        self.activated("Conv", names, output, options.FusedActivationFunction(), group=group, **window)

    def _conv_2d(self, operator, inputs: list[int], output: int) -> None:
        filters = self.weight(inputs[1]).transpose(0, 3, 1, 2)
        self._convolution(self._options(operator, tflite.Conv2DOptions), inputs, output, filters, 1)

    def _depthwise_conv_2d(self, operator, inputs: list[int], output: int) -> None:
        filters = self.weight(inputs[1]).transpose(3, 0, 1, 2)
        options = self._options(operator, tflite.DepthwiseConv2DOptions)
        self._convolution(options, inputs, output, filters, self.shape(inputs[0])[3])

    def _add(self, operator, inputs: list[int], output: int) -> None:
        options = self._options(operator, tflite.AddOptions)
        self.activated("Add", [self.name(i) for i in inputs], output, options.FusedActivationFunction())

    def _average_pool_2d(self, operator, inputs: list[int], output: int) -> None:
        options = self._options(operator, tflite.Pool2DOptions)
        window = self._window(options, inputs, output, [options.FilterHeight(), options.FilterWidth()])
        if window["kernel_shape"] == self.shape(inputs[0])[1:3]:
            self.node("GlobalAveragePool", [self.name(inputs[0])], self.name(output))
        else:
            self.node("AveragePool", [self.name(inputs[0])], self.name(output), **window)

    def _mean(self, operator, inputs: list[int], output: int) -> None:
        self.node("GlobalAveragePool", [self.name(inputs[0])], f"{self.name(output)}_pool")
        self.node("Flatten", [f"{self.name(output)}_pool"], self.name(output))

    def _reshape(self, operator, inputs: list[int], output: int) -> None:
        # an image of one pixel is flat in either layout; a larger one would need a transpose
        if len(self.shape(inputs[0])) == 4 and self.shape(inputs[0])[1:3] != [1, 1]:
            raise SystemExit("derive_models.py: a reshape of an image is not one of a plain classifier")
        self.node("Flatten", [self.name(inputs[0])], self.name(output))

    _squeeze = _reshape

    def _fully_connected(self, operator, inputs: list[int], output: int) -> None:
        options = self._options(operator, tflite.FullyConnectedOptions)
        names = [self.name(inputs[0]), *(self.constant(self.name(i), self.weight(i)) for i in inputs[1:3] if i >= 0)]
        self.activated("Gemm", names, output, options.FusedActivationFunction(), transB=1)

    def _softmax(self, operator, inputs: list[int], output: int) -> None:
        self.node("Softmax", [self.name(inputs[0])], self.name(output), axis=1)


def derive(source: Path, target: Path) -> None:
    """Write the ONNX model. SystemExit names an operator that is not one of a plain classifier."""
    derived = Derivation(tflite.Model.GetRootAs(source.read_bytes(), 0)).convert()
    part = target.with_name(target.name + ".part")
    onnx.save(derived, str(part))
    part.replace(target)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: derive_models.py MODEL.tflite MODEL.onnx")
    derive(Path(sys.argv[1]), Path(sys.argv[2]))
