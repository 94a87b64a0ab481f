"""Operands of TIU commands: tensors in local memory that are read and written as C-contiguous arrays [n, c, h, w]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tpuc_kernels import lanes

from tpuc_bm1684x.isa.kinds import ElementType, Layout
from tpuc_bm1684x.isa.memory_map import LANE_BYTES
from tpuc_bm1684x.simulator.execute.binding import Context
from tpuc_bm1684x.simulator.memory import ALL_LANES, Memory, Shape, aligned, compact, last_byte, split_local
from tpuc_core.errors import TpucError

Load = Callable[[], np.ndarray]
FREE_STRIDE_BITS = 18
"""Bits of an h or w stride; the two above are the upper bits of the n or c stride (docs/isa, AR)."""


class LocalTensor:
    """A tensor in local memory: address, shape [n, c, h, w], strides in elements, dtype; checked once."""

    __slots__ = ("address", "dtype", "local", "mask", "shape", "strides")

    def __init__(
        self,
        memory: Memory,
        name: str,
        address: int,
        shape: Shape,
        strides: Shape,
        dtype: np.dtype,
        mask: int = ALL_LANES,
    ):
        lane, offset = split_local(address)
        self.local, self.address, self.shape = memory.local, lane * LANE_BYTES + offset, shape
        self.strides, self.dtype, self.mask = strides, dtype, mask
        if address % dtype.itemsize:
            raise TpucError(f"{name} at {address:#x} is not aligned to its {dtype.itemsize} bytes")
        end = last_byte(shape, strides, dtype.itemsize, lane, offset)
        if end > LANE_BYTES and min(shape) > 0:
            raise TpucError(
                f"{name} {list(shape)} at {address:#x} ends at byte {end:#x} of its lanes, which have {LANE_BYTES:#x}"
            )

    def load(self) -> np.ndarray:
        """The elements as a C-contiguous array."""
        return lanes.load(self.local, self.address, self.shape, self.strides, self.dtype)

    def store(self, array: np.ndarray) -> None:
        """Writes an array of the tensor's shape; lanes outside the mask keep their content."""
        lanes.store(self.local, self.address, array, self.strides, self.mask)


def constant_array(raw: int, dtype: np.dtype) -> np.ndarray:
    """A constant operand [1, 1, 1, 1]: the low bits of an address field."""
    size = dtype.itemsize
    return np.frombuffer((raw & (1 << 8 * size) - 1).to_bytes(size, "little"), dtype).reshape(1, 1, 1, 1)


def constant(raw: int, dtype: np.dtype) -> int | float:
    """A constant operand as a Python number."""
    return constant_array(raw, dtype).item()


def dtype_of(context: Context, operand: str, sign: int | None = None) -> np.dtype:
    """The dtype of an operand by its `_prec` and `_sign` fields."""
    is_signed = context.field(f"{operand}_sign", 1) if sign is None else sign
    return element_type(context, context[f"{operand}_prec"]).numpy(bool(is_signed))


def element_type(context: Context, number: int) -> ElementType:
    """The type of a `_prec` field; what is no element type of operands is not modelled."""
    if number > ElementType.BF16:
        raise context.not_modelled(f"element type {number}")
    return ElementType(number)


def result_shape(context: Context) -> Shape:
    """res0_n, res0_c, res0_h, res0_w."""
    return context["res0_n"], context["res0_c"], context["res0_h"], context["res0_w"]


def aligned_tensor(context: Context, operand: str, shape: Shape, dtype: np.dtype) -> LocalTensor:
    """An operand in the aligned layout; a result (res...) has the command's lane mask."""
    address = context[f"{operand}_addr"]
    strides = aligned(shape, dtype.itemsize, split_local(address)[0])
    mask = context.lane_mask if operand.startswith("res") else ALL_LANES
    return LocalTensor(context.memory, operand, address, shape, strides, dtype, mask)


def compact_tensor(context: Context, operand: str, shape: Shape, dtype: np.dtype) -> LocalTensor:
    """An operand in the compact layout."""
    address = context[f"{operand}_addr"]
    strides = compact(shape, dtype.itemsize, split_local(address)[0])
    return LocalTensor(context.memory, operand, address, shape, strides, dtype)


def tensor_by_layout(context: Context, operand: str, shape: Shape, dtype: np.dtype) -> LocalTensor:
    """A tensor whose `_str` field names its layout; a result (res...) has the command's lane mask."""
    address, layout = context[f"{operand}_addr"], context[f"{operand}_str"]
    lane = split_local(address)[0]
    if layout == Layout.ALIGNED:
        strides = aligned(shape, dtype.itemsize, lane)
    elif layout == Layout.COMPACT:
        strides = compact(shape, dtype.itemsize, lane)
    elif layout == Layout.BROADCAST:
        strides = (0, 1, 0, 0)
    elif layout == Layout.STRIDED:
        strides = free_strides(context, operand)
    else:
        raise context.not_modelled(f"{operand}_str = {layout}")
    mask = context.lane_mask if operand.startswith("res") else ALL_LANES
    return LocalTensor(context.memory, operand, address, shape, strides, dtype, mask)


def free_strides(context: Context, operand: str) -> Shape:
    """Strides of a strided operand; the upper bits of the n and c strides are in the h and w fields."""
    n, c, h, w = (context[f"{operand}_{axis}_str"] for axis in "nchw")
    low = (1 << FREE_STRIDE_BITS) - 1
    if context.field("cmd_short") and (h | w) > low:
        raise context.not_modelled(f"{operand}: a stride of more than {FREE_STRIDE_BITS} bits in a short form")
    upper = (h >> FREE_STRIDE_BITS & 3) << 16, (w >> FREE_STRIDE_BITS & 3) << 16
    return n | upper[0], c | upper[1], h & low, w & low


def loader(context: Context, operand: str, shape: Shape, dtype: np.dtype) -> Load:
    """Reads an operand that is a constant, or a tensor with a `_str` field, as an array that broadcasts to the shape.

    Where n, h or w has the stride 0, the size is 1. Channels stay apart, since they lie in different lanes.
    """
    if context.field(f"{operand}_const", 0):
        value = constant_array(context[f"{operand}_addr"], dtype)
        return lambda: value
    tensor = tensor_by_layout(context, operand, shape, dtype)
    n, _, h, w = (1 if stride == 0 else size for size, stride in zip(shape, tensor.strides))
    tensor.shape = n, shape[1], h, w
    return tensor.load


def per_channel(context: Context, operand: str, channels: int, dtype: np.dtype) -> Load:
    """Reads a constant, or one element per channel in the compact layout, as [1, c or 1, 1, 1]."""
    if context.field(f"{operand}_const", 0):
        value = constant_array(context[f"{operand}_addr"], dtype)
        return lambda: value
    return compact_tensor(context, operand, (1, channels, 1, 1), dtype).load
