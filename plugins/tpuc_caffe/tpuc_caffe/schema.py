"""The messages of caffe.proto as classes, made when they are first wanted: no protoc, no generated file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Field = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "bool": Field.TYPE_BOOL, "bytes": Field.TYPE_BYTES, "double": Field.TYPE_DOUBLE, "float": Field.TYPE_FLOAT,
    "int32": Field.TYPE_INT32, "int64": Field.TYPE_INT64, "string": Field.TYPE_STRING, "uint32": Field.TYPE_UINT32,
}
LABELS = {"optional": Field.LABEL_OPTIONAL, "repeated": Field.LABEL_REPEATED, "required": Field.LABEL_REQUIRED}
_TOKEN = re.compile(r'//[^\n]*|\s+|("[^"]*"|-?[\w.+-]+|[{}=;\[\],])')


@cache
def message_class(name: str) -> type:
    """The class of a message of caffe.proto, such as "NetParameter"."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"caffe.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(parse_proto(Path(__file__).with_name("caffe.proto").read_text(encoding="utf-8"), "caffe.proto"))
    return pool


def parse_proto(text: str, name: str) -> descriptor_pb2.FileDescriptorProto:
    """What a .proto file declares. It may hold what this format needs: a package, messages, enums, fields with default or packed.

    Raises ValueError for other words.
    """
    words = _Words(text)
    file = descriptor_pb2.FileDescriptorProto(name=name)
    for word in words:
        match word:
            case "syntax" | "package":
                *_, value = iter(words.next, ";")
                setattr(file, word, value.strip('"'))
            case "message":
                _read_message(words, file.message_type.add())
            case "enum":
                _read_enum(words, file.enum_type.add())
            case _:
                raise ValueError(f'"{word}" begins no declaration')
    _resolve_types(file)
    return file


class _Words:
    """The words of a .proto file one by one."""

    def __init__(self, text: str):
        self._words = iter([word for word in _TOKEN.findall(text) if word])

    def __iter__(self) -> Iterator[str]:
        return self._words

    def next(self) -> str:
        word = next(self._words, None)
        if word is None:
            raise ValueError("the file ends within a declaration")
        return word

    def expect(self, wanted: str) -> None:
        word = self.next()
        if word != wanted:
            raise ValueError(f'"{word}" stands where "{wanted}" is wanted')


def _read_message(words: _Words, message: descriptor_pb2.DescriptorProto) -> None:
    message.name = words.next()
    words.expect("{")
    for word in iter(words.next, "}"):
        match word:
            case "message":
                _read_message(words, message.nested_type.add())
            case "enum":
                _read_enum(words, message.enum_type.add())
            case _ if word in LABELS:
                _read_field(words, message.field.add(label=LABELS[word]))
            case _:
                raise ValueError(f'"{word}" in message {message.name} begins no field')


def _read_enum(words: _Words, enum: descriptor_pb2.EnumDescriptorProto) -> None:
    enum.name = words.next()
    words.expect("{")
    for word in iter(words.next, "}"):
        words.expect("=")
        enum.value.add(name=word, number=int(words.next()))
        words.expect(";")


def _read_field(words: _Words, field: Any) -> None:
    kind, field.name = words.next(), words.next()
    words.expect("=")
    field.number = int(words.next())
    if kind in SCALARS:
        field.type = SCALARS[kind]
    else:
        field.type_name = kind
    word = words.next()
    if word == "[":
        option = words.next()
        words.expect("=")
        if option == "default":
            field.default_value = words.next()
        elif option == "packed":
            field.options.packed = words.next() == "true"
        else:
            raise ValueError(f'field {field.name} has an unknown option "{option}"')
        words.expect("]")
        word = words.next()
    if word != ";":
        raise ValueError(f'"{word}" stands behind field {field.name}')


def _resolve_types(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Give every field of a declared type its full name, and say whether that is a message or an enum."""
    enums = {enum.name: f".{file.package}.{enum.name}" for enum in file.enum_type}
    for message in file.message_type:
        enums |= {f"{message.name}.{enum.name}": f".{file.package}.{message.name}.{enum.name}" for enum in message.enum_type}
    messages = {message.name: f".{file.package}.{message.name}" for message in file.message_type}
    for message in file.message_type:
        for field in message.field:
            if not field.type_name:
                continue
            kind = field.type_name
            enum = enums.get(f"{message.name}.{kind}") or enums.get(kind)
            if enum is None and kind not in messages:
                raise ValueError(f"{message.name}.{field.name} has an unknown type {kind}")
            field.type, field.type_name = (Field.TYPE_ENUM, enum) if enum else (Field.TYPE_MESSAGE, messages[kind])
