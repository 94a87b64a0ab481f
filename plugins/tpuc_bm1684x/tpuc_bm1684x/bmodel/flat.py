"""Flatbuffers tables declared as classes: reading with every range checked, writing with the same bytes every time.

    class Shape(Table):
        dim = vector(0, U64)

A table keeps only the fields that are present; an absent one reads as its default (None, or an empty list). The
alternative, the code that `flatc` generates, is thirty times as long and trusts the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import flatbuffers
from flatbuffers import number_types

MAX_TABLES = 200_000  # a damaged file can name the same table again and again


class Damaged(ValueError):
    """The bytes are no tables of this kind; the message is a noun phrase."""


@dataclass(frozen=True)
class Number:
    """A number type: `code` is that of the module struct."""

    code: str
    flags: Any

    @property
    def width(self) -> int:
        return struct.calcsize(self.code)


@dataclass(frozen=True)
class Struct:
    """A struct of numbers, stored in place; in Python a tuple."""

    numbers: tuple[Number, ...]

    @property
    def code(self) -> str:
        return "".join(number.code for number in self.numbers)

    @property
    def width(self) -> int:
        return struct.calcsize("<" + self.code)


@dataclass(frozen=True)
class Text:
    """UTF-8 text."""


@dataclass(frozen=True)
class Binary:
    """A range (start, size) of the part of the file behind the tables; in Python its bytes."""

    layout: Struct


U8 = Number("B", number_types.Uint8Flags)
I32 = Number("i", number_types.Int32Flags)
U32 = Number("I", number_types.Uint32Flags)
U64 = Number("Q", number_types.Uint64Flags)
F32 = Number("f", number_types.Float32Flags)
TEXT = Text()
BINARY = Binary(Struct((U64, U64)))


class Field:
    """A field of a table: reads as its value in the instance, or as its default."""

    def __init__(
        self, slot: int, kind: Any, default: Any = None, *, is_vector: bool = False, is_required: bool = False
    ):
        self.slot, self.kind, self.default = slot, kind, default
        self.is_vector, self.is_required = is_vector, is_required
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Table | None, owner: type) -> Any:
        if instance is None:
            return self
        if self.is_vector:
            return instance.values.get(self.name, [])
        return instance.values.get(self.name, self.default)


def number(slot: int, kind: Number, default: float = 0) -> Any:
    """A number that is `default` where absent."""
    return Field(slot, kind, default)


def text(slot: int, *, is_required: bool = False) -> Any:
    return Field(slot, TEXT, is_required=is_required)


def one(slot: int, kind: Any, *, is_required: bool = False) -> Any:
    """A table, a struct or a Binary."""
    return Field(slot, kind, is_required=is_required)


def vector(slot: int, kind: Any, *, is_required: bool = False) -> Any:
    return Field(slot, kind, is_vector=True, is_required=is_required)


class Table:
    """Base of the declared tables; `Tensor(name="x", data_type=2)` makes one."""

    fields: dict[str, Field] = {}

    def __init_subclass__(cls) -> None:
        cls.fields = {name: field for name, field in vars(cls).items() if isinstance(field, Field)}

    def __init__(self, **values: Any):
        if foreign := values.keys() - self.fields.keys():
            raise TypeError(f"{type(self).__name__} has no field {sorted(foreign)}")
        self.values = {name: value for name, value in values.items() if value is not None}


AnyTable = TypeVar("AnyTable", bound=Table)


class FlatReader:
    """Reads tables from `data`; `binary(start, size)` gives the bytes of a Binary or raises Damaged."""

    def __init__(self, data: bytes, binary: Callable[[int, int], bytes]):
        self.data, self.binary = data, binary
        self.tables_left = MAX_TABLES

    def root(self, kind: type[AnyTable]) -> AnyTable:
        return self._table(kind, self._unpack("I", 0)[0])

    def _unpack(self, code: str, position: int) -> tuple[Any, ...]:
        try:
            if position < 0:
                raise struct.error
            return struct.unpack_from("<" + code, self.data, position)
        except struct.error as error:
            raise Damaged(f"an offset of {position:#x} in tables of {len(self.data):#x} bytes") from error

    def _table(self, kind: type[AnyTable], position: int) -> AnyTable:
        self.tables_left -= 1
        if self.tables_left < 0:
            raise Damaged(f"more than {MAX_TABLES} tables")
        slots_at = position - self._unpack("i", position)[0]
        slot_count = (self._unpack("HH", slots_at)[0] - 4) // 2
        table = kind()
        for field in kind.fields.values():
            offset = self._unpack("H", slots_at + 4 + 2 * field.slot)[0] if field.slot < slot_count else 0
            if offset:
                read = self._vector if field.is_vector else self._value
                table.values[field.name] = read(field.kind, position + offset)
            elif field.is_required:
                raise Damaged(f"no {field.name} in a table {kind.__name__}")
        return table

    def _value(self, kind: Any, position: int) -> Any:
        if isinstance(kind, Number):
            return self._unpack(kind.code, position)[0]
        if isinstance(kind, Struct):
            return self._unpack(kind.code, position)
        if isinstance(kind, Binary):
            return self.binary(*self._unpack(kind.layout.code, position))
        position += self._unpack("I", position)[0]
        if isinstance(kind, Text):
            (size,) = self._unpack("I", position)
            raw = self._unpack(f"{size}s", position + 4)[0]
            return raw.decode("utf-8", errors="replace")
        return self._table(kind, position)

    def _vector(self, kind: Any, position: int) -> list[Any]:
        start = position + self._unpack("I", position)[0]
        (count,) = self._unpack("I", start)
        start += 4
        if isinstance(kind, Number):
            return list(self._unpack(f"{count}{kind.code}", start))
        layout = kind.layout if isinstance(kind, Binary) else kind
        step = layout.width if isinstance(layout, Struct) else 4
        if start + count * step > len(self.data):
            raise Damaged(f"a vector of {count} elements in tables of {len(self.data):#x} bytes")
        return [self._value(kind, start + i * step) for i in range(count)]


class FlatWriter:
    """Writes tables; `place(data)` stores the bytes of a Binary and gives their start."""

    def __init__(self, place: Callable[[bytes], int]):
        self.place = place
        self.builder = flatbuffers.Builder(1 << 14)

    def root(self, table: Table) -> bytes:
        """The tables as bytes, `table` as their root."""
        self.builder.Finish(self._table(table))
        return bytes(self.builder.Output())

    def _table(self, table: Table) -> int:
        fields = [f for f in table.fields.values() if f.name in table.values or f.is_required]
        behind = {f.name: self._behind(f, table.values[f.name]) for f in fields if self._is_behind(f)}
        self.builder.StartObject(max((f.slot for f in table.fields.values()), default=-1) + 1)
        for field in sorted(fields, key=_width, reverse=True):
            value = table.values[field.name]
            if field.name in behind:
                self.builder.PrependUOffsetTRelativeSlot(field.slot, behind[field.name], 0)
            elif isinstance(field.kind, Number):
                self.builder.PrependSlot(field.kind.flags, field.slot, value, field.default)
            else:
                self.builder.PrependStructSlot(field.slot, self._struct(field.kind, value), 0)
        return self.builder.EndObject()

    @staticmethod
    def _is_behind(field: Field) -> bool:
        """Whether the table holds an offset to the value instead of the value."""
        return field.is_vector or not isinstance(field.kind, Number | Struct | Binary)

    def _behind(self, field: Field, value: Any) -> int:
        return self._vector(field.kind, value) if field.is_vector else self._child(field.kind, value)

    def _child(self, kind: Any, value: Any) -> int:
        return self.builder.CreateString(value) if isinstance(kind, Text) else self._table(value)

    def _vector(self, kind: Any, values: list[Any]) -> int:
        if isinstance(kind, Number):
            self.builder.StartVector(kind.width, len(values), kind.width)
            for value in reversed(values):
                self.builder.Prepend(kind.flags, value)
        elif isinstance(kind, Struct | Binary):
            layout = kind.layout if isinstance(kind, Binary) else kind
            self.builder.StartVector(layout.width, len(values), max(n.width for n in layout.numbers))
            for value in reversed(values):
                self._struct(kind, value)
        else:
            offsets = [self._child(kind, value) for value in values]
            self.builder.StartVector(4, len(values), 4)
            for offset in reversed(offsets):
                self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def _struct(self, kind: Struct | Binary, value: Any) -> int:
        layout = kind.layout if isinstance(kind, Binary) else kind
        numbers = (self.place(value), len(value)) if isinstance(kind, Binary) else value
        self.builder.Prep(max(n.width for n in layout.numbers), layout.width)
        for kind_of_number, part in reversed(list(zip(layout.numbers, numbers))):
            self.builder.Prepend(kind_of_number.flags, part)
        return self.builder.Offset()


def _width(field: Field) -> int:
    """Alignment of a field within its table: widest first loses least to padding."""
    if isinstance(field.kind, Struct | Binary) and not field.is_vector:
        return 16
    return field.kind.width if isinstance(field.kind, Number) and not field.is_vector else 4
