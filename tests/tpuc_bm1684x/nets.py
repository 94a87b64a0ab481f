"""Small nets of `top` ops, lowered as a mode says, for tests of the compiler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from tpuc_bm1684x.lowering import lower
from tpuc_bm1684x.support import supports
from tpuc_float16.quantizer import plan_float16
from tpuc_int8.quantizer import plan_float, plan_int8
from xdsl.ir import SSAValue

from tpuc_core.ir import Model, State, calibration_of, shape_of, tensor_name, tensor_type, top, with_element
from tpuc_core.plan import Plan, Precision

FLOAT_ERRORS = {"F32": 0.0, "F16": 2e-3, "BF16": 1.5e-2}
"""The largest error of a tensor in the 16-bit modes, as a share of its size (norms): some times the rounding of one result."""


def real(array: np.ndarray) -> np.ndarray:
    """Floats as f32; uint16 are the bits of bf16."""
    return (array.astype(np.uint32) << 16).view(np.float32) if array.dtype == np.uint16 else array.astype(np.float32)


def assert_similar(mode: str, found: np.ndarray, wanted: np.ndarray, name: str = "") -> None:
    """F32 element by element, F16 and BF16 as a whole."""
    if mode == "F32":
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4, err_msg=name)
        return
    error, size = np.linalg.norm(found - wanted), np.linalg.norm(wanted)
    assert error <= FLOAT_ERRORS[mode] * size + 1e-6, f"{name}: {error / size}"


class TestChip:
    """What a quantizer asks of a chip."""

    __test__ = False
    name = "bm1684x"
    supports = staticmethod(supports)


def unsigned(plan: Plan) -> Plan:
    """The same plan with every tensor stored in unsigned integers: zero points are 128 more."""
    return replace(plan, tensors={name: q if not q.is_signed else replace(q, zero_point=q.zero_point + 128, is_signed=False)
                                  for name, q in plan.tensors.items()})


class Net:
    """Builds a model op by op; every tensor is calibrated to -4..4, or 0..4 after a relu; in INT8_ASYM and UINT8 to ranges of
    different size around 0."""

    def __init__(self, *shapes: Sequence[int], seed: int = 0):
        self.rng = np.random.default_rng(seed)
        self.model = Model.new("net", "ONNX", [tensor_type(shape) for shape in shapes])
        self.block = self.model.main.body.block
        self.values = [self._append(top.InputOp.make(f"in{i}", [argument], argument.type)) for i, argument in enumerate(self.block.args)]
        self.none = self._append(top.NoneOp.create(result_types=[self._none_type()]))

    @staticmethod
    def _none_type():
        from xdsl.dialects.builtin import NoneType

        return NoneType()

    def _append(self, op) -> SSAValue:
        self.block.add_op(op)
        return op.results[0]

    def weight(self, name: str, shape: Sequence[int], scale: float = 0.5) -> SSAValue:
        """Random weights."""
        self.model.weights[name] = (self.rng.standard_normal(shape) * scale).astype(np.float32)
        return self._append(top.WeightOp.make(name, [], tensor_type(shape)))

    def op(self, kind: str, operands: Sequence[SSAValue | None], shape: Sequence[int], /, **attributes: Any) -> SSAValue:
        """A `top` op; its name is its kind and number."""
        name = f"{kind}{len(list(self.block.ops))}"
        inputs = [self.none if v is None else v for v in operands]
        value = self._append(getattr(top, f"{kind}Op").make(name, inputs, tensor_type(shape), **attributes))
        self.values.append(value)
        return value

    def conv(self, x: SSAValue, oc: int, kernel: int, *, stride: int = 1, pad: int = 0, group: int = 1, relu: bool = False, dilation: int = 1, bias: bool = True) -> SSAValue:
        """A convolution with random weights."""
        n, ic, h, w = shape_of(x)
        size = [(v + 2 * pad - (kernel - 1) * dilation - 1) // stride + 1 for v in (h, w)]
        number = len(list(self.block.ops))
        weight = self.weight(f"w{number}", (oc, ic // group, kernel, kernel), 1 / np.sqrt(ic // group * kernel * kernel))
        offset = self.weight(f"b{number}", (oc,)) if bias else None
        return self.op("Conv", [x, weight, offset], (n, oc, *size), kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4,
                       dilations=[dilation] * 2, group=group, do_relu=relu)

    def lowered(self, mode: str, *outputs: SSAValue) -> Model:
        """The finished model in a mode's `tpu` ops."""
        self.model.set_outputs(outputs or [self.values[-1]])
        if mode == "F32":
            return lower(self.model, plan_float(self.model, TestChip(), {}))
        if mode in ("F16", "BF16"):
            return lower(self.model, plan_float16(self.model, TestChip(), mode, {}))
        self.calibrate(is_asymmetric := mode != "INT8")
        plan = plan_int8(self.model, TestChip(), {}, is_asymmetric=is_asymmetric)
        return lower(self.model, unsigned(plan) if mode == "UINT8" else plan)

    def calibrate(self, is_asymmetric: bool = False) -> None:
        """Ranges for every tensor."""
        for index, value in enumerate(self.values):
            op = value.owner
            is_positive = op.name in ("top.Relu", "top.Sigmoid", "top.Softmax") or ("do_relu" in op.attributes and op.get("do_relu"))
            low, high = (-4.0 + index % 3, 4.0 + index % 2) if is_asymmetric else (-4.0, 4.0)
            range_type = tensor_type((1,), "f32", calibration=(0.0 if is_positive else low, high)).element_type
            value._type = with_element(value.type, range_type)
            assert calibration_of(value) is not None
        self.model.update_function_types()
        self.model.state = State.TOP_CALIBRATED


def four_precisions(net: Net) -> dict[str, Precision]:
    """Convolutions whose neighbours differ, in every order of two precisions."""
    order = ["F32", "F16", "BF16", "INT8", "F16", "F32", "INT8", "BF16", "F16", "INT8", "F32", "BF16", "F32"]
    x, chosen = net.values[0], {}
    for precision in order:
        x = net.conv(x, 8, 3, pad=1, relu=len(chosen) % 2 == 0)
        chosen[tensor_name(x)] = Precision(precision)
    return chosen


def samples(model: Model, seed: int = 1) -> dict[str, np.ndarray]:
    """Random inputs of a model."""
    rng = np.random.default_rng(seed)
    return {op.names[0]: (rng.standard_normal(shape_of(op.results[0])) * 2).astype(np.float32) for op in model.inputs}
