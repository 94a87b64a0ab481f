"""Tensor types and what they say: shape, storage, quantization, calibration, address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    IntegerAttr,
    IntegerType,
    NoneAttr,
    NoneType,
    Signedness,
    TensorType,
    UnrankedTensorType,
    bf16,
    f16,
    f32,
    i64,
)
from xdsl.ir import Attribute, BlockArgument, OpResult, SSAValue

from tpuc_core.errors import TpucError, unknown
from tpuc_core.ir.dialects.base import Shape, location_names
from tpuc_core.ir.dialects.quant import CalibratedType, Range, Uniform, UniformType
from tpuc_core.plan import TensorQuantization

ELEMENT_TYPES: dict[str, Attribute] = {
    "f32": f32,
    "f16": f16,
    "bf16": bf16,
    "i1": IntegerType(1),
    "i4": IntegerType(4),
    "i8": IntegerType(8),
    "si8": IntegerType(8, Signedness.SIGNED),
    "ui8": IntegerType(8, Signedness.UNSIGNED),
    "u8": IntegerType(8, Signedness.UNSIGNED),
    "i16": IntegerType(16),
    "si16": IntegerType(16, Signedness.SIGNED),
    "ui16": IntegerType(16, Signedness.UNSIGNED),
    "u16": IntegerType(16, Signedness.UNSIGNED),
    "i32": IntegerType(32),
    "si32": IntegerType(32, Signedness.SIGNED),
    "ui32": IntegerType(32, Signedness.UNSIGNED),
    "u32": IntegerType(32, Signedness.UNSIGNED),
    "i64": IntegerType(64),
}


def element_type(word: str | Attribute) -> Attribute:
    """The element type that is spelled so in the text ("f32", "si8", "ui8", ...; "u8" is "ui8"). Raises TpucError."""
    if isinstance(word, Attribute):
        return word
    if word not in ELEMENT_TYPES:
        raise unknown("element type", word, ELEMENT_TYPES)
    return ELEMENT_TYPES[word]


def tensor_type(
    shape: Sequence[int] | None,
    storage: str | Attribute = "f32",
    quantization: TensorQuantization | None = None,
    calibration: tuple[float, float] | None = None,
    address: int | None = None,
) -> TensorType | UnrankedTensorType:
    """A tensor type; of unknown rank where `shape` is None.

    `quantization` makes it a quantized 8-bit tensor whose real values are `storage` (a float type); `calibration` a float of
    that range; `address` is its place in global memory.
    """
    element = element_type(storage)
    if quantization is not None:
        word = "i8" if quantization.is_signed else "u8"
        expressed = element if isinstance(element, Float16Type | BFloat16Type) else f32
        element = UniformType(Uniform(word, (float(quantization.scale),), (int(quantization.zero_point),), expressed))
    elif calibration is not None:
        element = CalibratedType(Range(float(calibration[0]), float(calibration[1])))
    if shape is None:
        return UnrankedTensorType(element)
    encoding = NoneAttr() if address is None else IntegerAttr(address, i64)
    return TensorType(element, [int(n) for n in shape], encoding)


def with_shape(old: Any, shape: Sequence[int]) -> TensorType:
    """The tensor type with another shape and the same elements and address."""
    encoding = old.encoding if isinstance(old, TensorType) else NoneAttr()
    return TensorType(old.element_type, [int(n) for n in shape], encoding)


def with_address(old: TensorType, address: int | None) -> TensorType:
    """The tensor type at another address, or at none."""
    return TensorType(old.element_type, old.get_shape(), NoneAttr() if address is None else IntegerAttr(address, i64))


def with_element(old: Any, element: str | Attribute) -> TensorType | UnrankedTensorType:
    """The tensor type with other elements."""
    if isinstance(old, UnrankedTensorType):
        return UnrankedTensorType(element_type(element))
    return TensorType(element_type(element), old.get_shape(), old.encoding)


def tensor_name(value: SSAValue) -> str:
    """The name of a tensor: that of its result in its op's location, or that of its block argument's. Raises TpucError."""
    if isinstance(value, OpResult):
        names = location_names(value.op.location)
        if value.index < len(names):
            return names[value.index]
        raise TpucError(f'result {value.index} of a "{value.op.name}" has no name: its location names {len(names)} of them')
    if isinstance(value, BlockArgument):
        names = location_names(value.location)
        return names[0] if names else f"arg{value.index}"
    raise TypeError(f"not a tensor: {value}")


def is_none(value: SSAValue) -> bool:
    """Whether this is the value of `top.None`, the tensor that is not there."""
    return isinstance(value.type, NoneType)


def is_weight(value: SSAValue) -> bool:
    """Whether this is the result of a `top.Weight`."""
    return isinstance(value, OpResult) and value.op.name == "top.Weight"


def has_shape(value: SSAValue) -> bool:
    """Whether the shape of a tensor is known."""
    return isinstance(value.type, TensorType)


def shape_of(value: SSAValue) -> Shape:
    """The shape of a tensor. Raises TpucError where it is not known yet."""
    if not isinstance(value.type, TensorType):
        raise TpucError(f'the shape of "{tensor_name(value)}" is not known; run --shape-infer first')
    return value.type.get_shape()


def element_type_of(value: SSAValue) -> Attribute:
    """The element type of a tensor."""
    return cast(TensorType, value.type).element_type


def address_of(value: SSAValue) -> int | None:
    """The address of a tensor in global memory, None where it has none."""
    encoding = value.type.encoding if isinstance(value.type, TensorType) else None
    return encoding.value.data if isinstance(encoding, IntegerAttr) else None


def storage_of(value: SSAValue) -> str:
    """How the elements of a tensor are stored: "f32", "f16", "bf16", "i8", "u8", "i16", "u16", "i32", "u32", "i64", ..."""
    return storage_of_type(element_type_of(value))


def storage_of_type(element: Attribute) -> str:
    """How elements of that type are stored."""
    match element:
        case CalibratedType():
            return "f32"
        case UniformType():
            return element.data.storage
        case IntegerType():
            return ("u" if element.signedness.data == Signedness.UNSIGNED else "i") + str(element.width.data)
        case Float32Type():
            return "f32"
        case Float16Type():
            return "f16"
        case BFloat16Type():
            return "bf16"
    return str(element)


def quantization_of(value: SSAValue) -> TensorQuantization | None:
    """Scale and zero point of a quantized tensor, None for any other. Raises TpucError for one with a scale per slice."""
    element = element_type_of(value) if not is_none(value) else None
    if not isinstance(element, UniformType):
        return None
    uniform = element.data
    if len(uniform.scales) != 1:
        raise TpucError(f'"{tensor_name(value)}" has {len(uniform.scales)} scales where one is wanted')
    return TensorQuantization(uniform.scales[0], uniform.zero_points[0], uniform.storage.startswith("i"))


def calibration_of(value: SSAValue) -> tuple[float, float] | None:
    """The range of a calibrated tensor, None for any other."""
    element = None if is_none(value) else element_type_of(value)
    return (element.data.low, element.data.high) if isinstance(element, CalibratedType) else None
