"""The ends of a net as its file describes them."""

from __future__ import annotations

from xdsl.ir import SSAValue

from tpuc_bm1684x.bmodel.content import Tensor
from tpuc_core.ir import quantization_of, shape_of, storage_of, tensor_name


def net_input(value: SSAValue, address: int) -> Tensor:
    """An input: its scale in the file goes from real to stored numbers."""
    quantization = quantization_of(value)
    scale, zero_point = (1 / quantization.scale, quantization.zero_point) if quantization else (1.0, 0)
    return Tensor(tensor_name(value), storage_of(value), tuple(shape_of(value)), address, scale, zero_point)


def net_output(value: SSAValue, address: int) -> Tensor:
    """An output: its scale in the file goes from stored to real numbers."""
    quantization = quantization_of(value)
    scale, zero_point = (quantization.scale, quantization.zero_point) if quantization else (1.0, 0)
    return Tensor(tensor_name(value), storage_of(value), tuple(shape_of(value)), address, scale, zero_point)
