"""Commands as classes whose fields are bit ranges: encoder, decoder, text and documentation derive from them.

class ShortCompare(ShortTiuCommand, opcode=13, bits=384):
    opd0_addr = bits(256, 32, Kind.LOCAL_ADDRESS)

data = ShortCompare.encode(opd0_addr=0x400, tsk_eu_typ=22)      # bytes
ShortCompare.decode(data).opd0_addr                             # 0x400
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, ClassVar, Self

import numpy as np

from tpuc_bm1684x.isa.kinds import Kind
from tpuc_core.errors import TpucError, did_you_mean

FieldKind = Kind | type[IntEnum]
MAY_BE_NEGATIVE = (Kind.LOCAL_ADDRESS,)
"""Kinds of fields that also take a signed number: an operand's address can be a constant instead."""


class Field:
    """A range of bits of a command. On the class it is itself, on a command its value."""

    def __init__(self, position: int, width: int, kind: FieldKind, default: int, doc: str):
        self.name = ""
        self.position = position
        self.width = width
        self.mask = (1 << width) - 1
        self.kind = Kind.FLAG if kind is Kind.NUMBER and width == 1 else kind
        self.default = default
        self.doc = doc
        self.least = -(1 << width - 1) if kind in MAY_BE_NEGATIVE else 0

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, command: Any, owner: type | None = None) -> Any:
        return self if command is None else command.__dict__[self.name]

    def __repr__(self) -> str:
        return f"bits({self.position}, {self.width})"

    def text(self, value: int) -> str:
        """The value as the disassembler prints it."""
        if isinstance(self.kind, type):
            names = {member.value: member.name.lower() for member in self.kind}
            return names.get(value, str(value))
        is_address = self.kind in (Kind.LOCAL_ADDRESS, Kind.ADDRESS, Kind.LANE_MASK)
        return hex(value) if is_address and value > 9 else str(value)

    def unpack(self, words: np.ndarray) -> np.ndarray:
        """The field of many commands at once: words uint64 [commands, 64-bit words] -> uint64 [commands]."""
        word, shift = divmod(self.position, 64)
        value = words[:, word] >> np.uint64(shift)
        if shift + self.width > 64:
            value = value | words[:, word + 1] << np.uint64(64 - shift)
        return value & np.uint64(self.mask)


def bits(position: int, width: int, kind: FieldKind = Kind.NUMBER, *, default: int = 0, doc: str = "") -> Any:
    """Declares a field: first bit, number of bits, what it stands for, and what a command has that does not name it."""
    return Field(position, width, kind, default, doc)


class Command:
    """Base of all command forms. Subclasses that name `bits` are forms; the others only share fields.

    form: name of the form, as profiles and other tools for the chip call it; size_bytes: length of a command;
    operations: names of the values of the field that chooses the operation.
    """

    form: ClassVar[str] = ""
    engine: ClassVar[str] = ""
    opcode: ClassVar[int] = 0
    size_bytes: ClassVar[int] = 0
    operations: ClassVar[dict[int, str]] = {}
    fields: ClassVar[dict[str, Field]] = {}
    fixed: ClassVar[dict[str, int]] = {}
    _base: ClassVar[int] = 0
    _given_names: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, *, opcode: int | None = None, bits: int = 0, form: str = "", **fixed: int) -> None:
        super().__init_subclass__()
        found: dict[str, Field] = {}
        for owner in reversed(cls.__mro__):
            found.update({name: value for name, value in vars(owner).items() if isinstance(value, Field)})
        cls.fields = dict(sorted(found.items(), key=lambda item: item[1].position))
        cls.fixed = {**cls.fixed, **fixed}
        if opcode is not None:
            cls.opcode = opcode
        if bits:
            cls.size_bytes, cls.form = bits // 8, form or cls.__name__
            given = {name: field.default for name, field in cls.fields.items() if field.default} | cls.fixed
            cls._base = sum(value << cls.fields[name].position for name, value in given.items())
            cls._given_names = frozenset(given)

    def __init__(self, **values: int):
        self.__dict__ = type(self).decode(self.encode(**values)).__dict__

    @classmethod
    def encode(cls, **values: int) -> bytes:
        """The bytes of a command; fields that are not named have their default. TpucError for an unknown name or a
        value that does not fit."""
        word, fields = cls._base, cls.fields
        for name, value in values.items():
            field = fields.get(name)
            if field is None:
                raise TpucError(f'command {cls.form} has no field "{name}"; {did_you_mean(name, fields)}')
            if not field.least <= value <= field.mask:
                raise TpucError(f"{cls.form}.{name} = {value} does not fit: {field.least} to {field.mask}")
            if name in cls._given_names:
                word &= ~(field.mask << field.position)
            word |= (value & field.mask) << field.position
        return word.to_bytes(cls.size_bytes, "little")

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """The command that the bytes start with."""
        if len(data) < cls.size_bytes:
            raise TpucError(f"command {cls.form} has {cls.size_bytes} bytes; there are {len(data)}")
        word = int.from_bytes(data[: cls.size_bytes], "little")
        command = cls.__new__(cls)
        command.__dict__ = {name: (word >> field.position) & field.mask for name, field in cls.fields.items()}
        return command

    @classmethod
    def table(cls, commands: Sequence[bytes | memoryview]) -> np.ndarray:
        """Many commands of this form as a record array, one column a field (uint64)."""
        words = np.frombuffer(b"".join(commands), "<u8").reshape(len(commands), -1)
        table = np.empty(len(commands), [(name, np.uint64) for name in cls.fields])
        for name, field in cls.fields.items():
            table[name] = field.unpack(words)
        return table

    def values(self) -> dict[str, int]:
        """All fields by name, in the order of their bits."""
        return dict(self.__dict__)

    def to_bytes(self) -> bytes:
        """The command's bytes: `decode(data).to_bytes() == data` but for bits that no field covers."""
        word = sum(self.__dict__[name] % (field.mask + 1) << field.position for name, field in self.fields.items())
        return word.to_bytes(self.size_bytes, "little")

    @property
    def operation(self) -> str:
        """The name of what the command does."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def __repr__(self) -> str:
        shown = (f"{name}={value}" for name, value in self.__dict__.items() if value and name not in self.fixed)
        return f"{type(self).__name__}({', '.join(shown)})"
