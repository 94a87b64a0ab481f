"""Reads the text form of a module: xDSL's parser, with location aliases wherever they stand, and shortcuts for what repeats."""

from __future__ import annotations

import difflib
import re
from functools import cache
from pathlib import Path
from typing import Any, cast

from xdsl.context import Context
from xdsl.dialects.builtin import (
    ArrayAttr,
    Builtin,
    FusedLoc,
    IntegerAttr,
    LocationAttr,
    ModuleOp,
    NameLoc,
    NoneAttr,
    StringAttr,
    i64,
)
from xdsl.dialects.func import Func
from xdsl.ir import Attribute, Dialect, Operation, TypeAttribute
from xdsl.parser import Parser
from xdsl.parser.generic_parser import ParserState
from xdsl.utils.exceptions import MultipleSpansParseError, ParseError, VerifyException
from xdsl.utils.lexer import Span, Token
from xdsl.utils.mlir_lexer import MLIRLexer, MLIRTokenKind, StringLiteral

from tpuc_core.errors import TpucError
from tpuc_core.ir.dialects import top, tpu
from tpuc_core.ir.dialects.base import TensorOp, fused_parts
from tpuc_core.ir.dialects.kinds import F64, F64S
from tpuc_core.ir.dialects.quant import QUANT
from tpuc_core.ir.dialects.tpu.attributes import TPU_ATTRIBUTES
from tpuc_core.ir.floats import float_from_bits

_ALIAS = re.compile(r"^(#\w+) = (.*?)[ \t\r]*$", re.MULTILINE)
_NAMED_LOCATION = re.compile(r'loc\("([^"\\]*)"\)$')
_ALIAS_USE = re.compile(r"loc\((#\w+)\)")
_ALIAS_NAME = re.compile(r"#\w+\b(?![.<\w])")
_INTEGERS = re.compile(r"\[(-?\d+(?:, -?\d+)*)\]")
# Attributes and types that are worth remembering by their text: they are immutable and a file repeats them many times.
_REPEATED_ATTRIBUTE = re.compile(
    r'"[^"\\\n]*"|(?:true|false)\b|-?\d+ : s?i\d+\b|-?\d+\.\d*e[+-]\d+ : f64\b|#tpu<\w+ \w+>|\[[^\[\]{}()#"]*\]'
)
_REPEATED_TYPE = re.compile(r"tensor<(?:[^<>\n]|<(?:[^<>\n]|<[^<>\n]*>)*>)*>|none\b")

# A string ends on its line; escapes are \\n \\t \\\\ \\" and two hexadecimal digits, the bytes of UTF-8.
_STRING = re.compile(r'"(?:[^"\\\n\v\f]|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*"')


def parse_text(text: str, name: str = "<text>") -> ModuleOp:
    """The module in a text; `name` is the file's name in error messages.

    Raises TpucError that says line, column, and what is wrong there.
    """
    try:
        module = _TextParser(text, name).parse_whole()
    except (MultipleSpansParseError, ParseError) as error:
        raise _located(error.span, error.msg) from error
    except (VerifyException, ValueError, OverflowError, RecursionError) as error:
        raise TpucError(f'"{name}" is not a valid module: {error}') from error
    return module


def parse_file(path: Path) -> ModuleOp:
    """The module in a file. Raises TpucError: unreadable, not UTF-8, not a module."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TpucError(f'"{path}" is not an MLIR text file: byte {error.start} is not UTF-8') from error
    except OSError as error:
        raise TpucError(f'cannot read "{path}": {error.strerror}') from error
    if not text.strip():
        raise TpucError(f'"{path}" is empty')
    return parse_text(text, str(path))


def _located(span: Span[Any], message: str) -> TpucError:
    source = span.input
    before = source.content[: span.start]
    line, column = before.count("\n") + 1, span.start - before.rfind("\n")
    message = message.replace("{first_char}", f'"{span.text}"')  # which xDSL leaves open
    return TpucError(f"{source.name}:{line}:{column}: {message[:1].lower()}{message[1:]}")


@cache
def context() -> Context:
    """The dialects that a model may use: ours and those of plugins."""
    from tpuc_core.plugins import plugins

    found = _Context()
    for dialect in (Builtin, Func, QUANT, Dialect("tpu", [], TPU_ATTRIBUTES), *plugins().dialects):
        found.load_dialect(dialect)
    return found


class _Context(Context):
    """A context that knows the ops of our dialects by their tables, which make classes when these are wanted."""

    def _get_known_op(self, name: str) -> type[Operation] | None:
        return top.OPS.find(name) or tpu.OPS.find(name) or super()._get_known_op(name)


class _TextLexer(MLIRLexer):
    """xDSL's lexer, with strings in linear time however they are damaged, and UTF-8 behind escapes."""

    def _lex_string_literal(self, start_pos: int) -> Token:
        match = _STRING.match(self.input.content, start_pos)
        if match is None:
            message = "a string that does not end on its line, or has an unknown escape"
            raise ParseError(Span(start_pos, start_pos + 1, self.input), message)
        self.pos = match.end()
        literal = StringLiteral(start_pos, self.pos, self.input)
        return Token(MLIRTokenKind.STRING_LIT if _is_text(literal) else MLIRTokenKind.BYTES_LIT, literal)


def _is_text(literal: StringLiteral) -> bool:
    if "\\" not in literal.text:
        return True
    try:
        literal.bytes_contents.decode()
    except UnicodeDecodeError:
        return False
    return True


class _TextParser(Parser):
    """xDSL's parser for one text."""

    def __init__(self, text: str, name: str):
        super().__init__(context(), text, name)
        self._parser_state = ParserState(_TextLexer(self.lexer.input))
        self._known: dict[str, Attribute] = {}

    def parse_whole(self) -> ModuleOp:
        """The one module of the text."""
        self._read_aliases()
        module = self.parse_module()
        if not isinstance(module, ModuleOp) or not any(True for _ in module.ops):
            self.raise_error("a module with a function is wanted here", 0)
        return module

    def _read_aliases(self) -> None:
        """Define all aliases first: the vendor's tools write most of them after the module that uses them."""
        waiting = list(_ALIAS.finditer(self.lexer.input.content))
        while waiting:
            later = [match for match in waiting if not self._define_alias(match)]
            if len(later) == len(waiting):
                break  # the parser will say what is undefined, at the place
            waiting = later
        self._resume_from(0)

    def _define_alias(self, match: re.Match[str]) -> bool:
        alias, body = match.groups()
        if alias in self.attribute_aliases:
            self.raise_error(f"alias {alias} is defined twice", match.start())
        if named := _NAMED_LOCATION.match(body):
            self.attribute_aliases[alias] = NameLoc(StringAttr(named[1]), NoneAttr())
            return True
        if any(used not in self.attribute_aliases for used in _ALIAS_NAME.findall(_STRING.sub("", body))):
            return False
        self._resume_from(match.start(2))
        self.attribute_aliases[alias] = self.parse_attribute()
        return True

    def _parse_alias_def(self) -> None:
        """Skip a definition that was read in advance."""
        match = _ALIAS.match(self.lexer.input.content, self.pos)
        if match is None or match[1] not in self.attribute_aliases:
            super()._parse_alias_def()
        else:
            self._resume_from(match.end())

    def parse_optional_attribute(self) -> Attribute | None:
        start, content = self.pos, self.lexer.input.content
        match = _REPEATED_ATTRIBUTE.match(content, start)
        if match is None:
            return super().parse_optional_attribute()
        text = match.group()
        known = self._known.get(text)
        if known is None and (integers := _INTEGERS.fullmatch(text)):
            known = self._known[text] = ArrayAttr([_integer(int(word)) for word in integers[1].split(", ")])
        if known is not None:
            self._resume_from(match.end())
            return known
        attribute = super().parse_optional_attribute()
        if attribute is not None and not content[match.end() : self.pos].strip():
            self._known[text] = attribute
        return attribute

    def parse_optional_type(self) -> TypeAttribute | None:
        start, content = self.pos, self.lexer.input.content
        match = _REPEATED_TYPE.match(content, start)
        if match is None:
            return super().parse_optional_type()
        known = self._known.get(match.group())
        if known is not None:
            self._resume_from(match.end())
            return cast(TypeAttribute, known)
        found = super().parse_optional_type()
        if found is not None and not content[match.end() : self.pos].strip():
            self._known[match.group()] = found
        return found

    def parse_optional_location(self) -> LocationAttr | None:
        match = _ALIAS_USE.match(self.lexer.input.content, self.pos)
        location = None if match is None else self.attribute_aliases.get(match[1])
        if match is None or location is None:
            return super().parse_optional_location()
        self._resume_from(match.end())
        if isinstance(location, FusedLoc) and len(fused_parts(location)) == 1:
            return fused_parts(location)[0]
        return cast(LocationAttr, location)

    def _get_op_by_name(self, name: str) -> type[Operation]:
        found = self.ctx.get_optional_op(name, dialect_stack=self._parser_state.dialect_stack)
        if found is None:
            near = difflib.get_close_matches(name, [*top.OPS.names(), *tpu.OPS.names(), "return", "call"], n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            self.raise_error(f'there is no op "{name}"{hint}', self.lexer.input.content.rfind(name, 0, self.pos))
        return found

    def _parse_generic_operation(self, op_type: type[Operation]) -> Operation:
        if self.lexer.input.content.startswith("<{", self._end_of_operands()):
            self.raise_error("properties `<{...}>` are not used in this form; write them as attributes `{...}`")
        op = super()._parse_generic_operation(op_type)
        if isinstance(op, TensorOp):
            op.attributes = op.defaults() | op.attributes
            for name, attribute in op.attributes.items():
                if isinstance(attribute, ArrayAttr) and op.kinds().get(name) == F64S:
                    op.attributes[name] = _floats(attribute)
        return op

    def _end_of_operands(self) -> int:
        content = self.lexer.input.content
        end = content.find(")", self.pos) + 1
        return end + (content[end : end + 1] == " ")


def _floats(array: ArrayAttr) -> ArrayAttr:
    """An array of f64 in which floats that are written as their bits were read as integers."""
    if not any(isinstance(element, IntegerAttr) for element in array.data):
        return array
    elements = (
        F64.encode(float_from_bits(hex(element.value.data % 2**64))) if isinstance(element, IntegerAttr) else element
        for element in array.data
    )
    return ArrayAttr(elements)


@cache
def _integer(value: int) -> IntegerAttr:
    return IntegerAttr(value, i64)
