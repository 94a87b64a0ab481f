"""Kinds of attributes: each is a constraint that IRDL checks, and knows how Python values become attributes of that kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    DenseArrayBase,
    DictionaryAttr,
    Float32Type,
    Float64Type,
    FloatAttr,
    FloatData,
    IntegerAttr,
    IntegerType,
    Signedness,
    StringAttr,
    UnitAttr,
    f32,
    f64,
)
from xdsl.ir import Attribute, Data
from xdsl.irdl import AttrConstraint, VerificationContext
from xdsl.utils.exceptions import VerifyException

from tpuc_core.errors import did_you_mean


def python_value(attribute: Attribute) -> Any:
    """The Python value of an attribute: int, bool, float, str, list, dict, a structure; enumerations as the name of their case."""
    match attribute:
        case IntegerAttr():
            number = attribute.value.data
            return bool(number) if isinstance(attribute.type, IntegerType) and attribute.type.width.data == 1 else number
        case FloatAttr():
            return attribute.value.data
        case ArrayAttr():
            return [python_value(element) for element in attribute.data]
        case DenseArrayBase():
            return list(cast(Any, attribute).get_values())
        case DictionaryAttr():
            return {name: python_value(value) for name, value in attribute.data.items()}
        case UnitAttr():
            return True
        case Data():
            return attribute.data
    return attribute


@dataclass(frozen=True)
class Kind(AttrConstraint):
    """A kind of attribute, spelled `text` in the op tables. `encode` makes an attribute of a Python value."""

    text: str

    def encode(self, value: Any) -> Attribute:
        """The attribute for a Python value. Raises ValueError where the value is not of this kind."""
        raise NotImplementedError

    def accepts(self, attribute: Attribute) -> bool:
        """Whether an attribute is of this kind."""
        raise NotImplementedError

    def verify(self, attr: Attribute, constraint_context: VerificationContext) -> None:
        if not self.accepts(attr):
            raise VerifyException(f"{attr} is not of kind {self.text}")

    def mapping_type_vars(self, type_var_mapping: Any) -> AttrConstraint:
        return self


@lru_cache(8192)
def integer_attribute(value: int, type: IntegerType) -> IntegerAttr:
    """The attribute; multipliers and shifts come in thousands, and verifying each costs more than all else about it."""
    return IntegerAttr(value, type)


@dataclass(frozen=True)
class IntegerKind(Kind):
    """A number of one integer type."""

    type: IntegerType

    def encode(self, value: Any) -> Attribute:
        return integer_attribute(int(value), self.type)

    def accepts(self, attribute: Attribute) -> bool:
        return isinstance(attribute, IntegerAttr) and attribute.type == self.type


@dataclass(frozen=True)
class FloatKind(Kind):
    """A number of one float type."""

    type: Float32Type | Float64Type

    def encode(self, value: Any) -> Attribute:
        return FloatAttr(FloatData(float(value)), self.type)

    def accepts(self, attribute: Attribute) -> bool:
        return isinstance(attribute, FloatAttr) and attribute.type == self.type


@dataclass(frozen=True)
class StringKind(Kind):
    """A string, out of `cases` where these are given."""

    cases: tuple[str, ...] = ()

    def encode(self, value: Any) -> Attribute:
        if self.cases and value not in self.cases:
            raise ValueError(f'"{value}"; {did_you_mean(str(value), self.cases)}')
        return StringAttr(str(value))

    def accepts(self, attribute: Attribute) -> bool:
        return isinstance(attribute, StringAttr) and (not self.cases or attribute.data in self.cases)


@dataclass(frozen=True)
class ArrayKind(Kind):
    """An array whose elements are all of one kind."""

    element: Kind

    def encode(self, value: Sequence[Any]) -> Attribute:
        return ArrayAttr([self.element.encode(v) for v in value])

    def accepts(self, attribute: Attribute) -> bool:
        return isinstance(attribute, ArrayAttr) and all(self.element.accepts(e) for e in attribute.data)


@dataclass(frozen=True)
class EnumKind(Kind):
    """A case of an enumeration of the `tpu` dialect."""

    attribute_class: Any

    def encode(self, value: Any) -> Attribute:
        cases = self.attribute_class.cases
        if value not in cases:
            raise ValueError(f'"{value}"; {did_you_mean(str(value), cases)}')
        return self.attribute_class(str(value))

    def accepts(self, attribute: Attribute) -> bool:
        return isinstance(attribute, self.attribute_class)


@dataclass(frozen=True)
class StructureKind(Kind):
    """A structure of the `tpu` dialect, a dataclass in Python."""

    attribute_class: Any

    def encode(self, value: Any) -> Attribute:
        return self.attribute_class(value)

    def accepts(self, attribute: Attribute) -> bool:
        return isinstance(attribute, self.attribute_class)


@dataclass(frozen=True)
class AffineMapKind(Kind):
    """An affine map."""

    def encode(self, value: Any) -> Attribute:
        return value if isinstance(value, AffineMapAttr) else AffineMapAttr(value)

    def accepts(self, attribute: Attribute) -> bool:
        return isinstance(attribute, AffineMapAttr)


@dataclass(frozen=True)
class DictionaryKind(Kind):
    """A dictionary of anything."""

    def encode(self, value: Mapping[str, Any]) -> Attribute:
        return DictionaryAttr({name: encode_any(v) for name, v in value.items()})

    def accepts(self, attribute: Attribute) -> bool:
        return isinstance(attribute, DictionaryAttr)


I64 = IntegerKind("i64", IntegerType(64))
I32 = IntegerKind("i32", IntegerType(32))
SI32 = IntegerKind("si32", IntegerType(32, Signedness.SIGNED))
UI32 = IntegerKind("ui32", IntegerType(32, Signedness.UNSIGNED))
BOOL = IntegerKind("bool", IntegerType(1))
F64 = FloatKind("f64", f64)
F32 = FloatKind("f32", f32)
STRING = StringKind("string")
I64S = ArrayKind("array<i64>", I64)
I32S = ArrayKind("array<i32>", I32)
F64S = ArrayKind("array<f64>", F64)
DICTIONARY = DictionaryKind("dict")
DICTIONARIES = ArrayKind("array<dict>", DICTIONARY)
AFFINE_MAP = AffineMapKind("affine_map")

KINDS: dict[str, Kind] = {
    kind.text: kind
    for kind in (I64, I32, SI32, UI32, BOOL, F64, F32, STRING, I64S, I32S, F64S, DICTIONARY, DICTIONARIES, AFFINE_MAP)
}


def one_of(*cases: str) -> StringKind:
    """A string out of these."""
    return StringKind("string", cases)


def encode_any(value: Any) -> Attribute:
    """The attribute that a Python value becomes where no kind is declared: i64, f64, bool, string, arrays and dictionaries of these."""
    match value:
        case Attribute():
            return value
        case bool():
            return BOOL.encode(value)
        case int():
            return I64.encode(value)
        case float():
            return F64.encode(value)
        case str():
            return STRING.encode(value)
        case Mapping():
            return DICTIONARY.encode(value)
        case Sequence():
            return ArrayAttr([encode_any(v) for v in value])
    raise ValueError(f"no attribute can hold {value!r}")
