"""Element types of the IR for tensors of a file."""

from __future__ import annotations

from typing import Any

from xdsl.dialects.builtin import f32

from tpuc_core.ir.dialects.quant import Uniform, UniformType
from tpuc_tflite.graph import Tensor
from tpuc_tflite.registry import Unsupported

_STORAGE = {"int8": "i8", "uint8": "u8", "int32": "i32"}


def element_of(tensor: Tensor) -> Any:
    """The element type of an activation: `!quant.uniform` with the file's scale and zero point, or f32.

    Raises Unsupported: 16 bits, a scale a slice.
    """
    if tensor.dtype == "int16" and tensor.quantization is not None:
        raise Unsupported("activations of 16 bits")
    if not tensor.is_quantized or tensor.quantization is None:
        return "f32"
    if tensor.quantization.is_per_axis:
        raise Unsupported("an activation with a scale a slice")
    return _uniform(tensor, None)


def constant_type(tensor: Tensor, axis: int) -> Any | None:
    """The element type of a quantized constant, whose scales are along that axis where it has several; None for a float."""
    if tensor.quantization is None or tensor.dtype not in _STORAGE:
        return None
    return _uniform(tensor, axis if tensor.quantization.is_per_axis else None)


def _uniform(tensor: Tensor, axis: int | None) -> UniformType:
    assert tensor.quantization is not None
    return UniformType(
        Uniform(_STORAGE[tensor.dtype], tensor.quantization.scales, tensor.quantization.zero_points, f32, axis)
    )
