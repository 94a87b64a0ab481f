"""Writes the canonical text form of a module, byte for byte as the vendor's tools do.

Values are numbered block by block, attributes are sorted, op names are generic apart from `func.func`, `return` and `call`, and
locations are aliases: plain ones numbered in the order of a walk, composed ones after them. Aliases that a block argument
uses stand before the module, all others after it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping

from xdsl.dialects.builtin import (
    AnyFloat,
    ArrayAttr,
    DictionaryAttr,
    Float32Type,
    Float64Type,
    FloatAttr,
    FusedLoc,
    IntegerAttr,
    LocationAttr,
    ModuleOp,
    UnitAttr,
    i1,
    i64,
)
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.irdl import OptResultDef, VarResultDef
from xdsl.printer import Printer

from tpuc_core.ir.dialects.base import TensorOp, fused_parts
from tpuc_core.ir.floats import float_text


def print_text(module: ModuleOp) -> str:
    """The text of a module, ended by one line end."""
    return _ModuleText(module).text()


class _AttributePrinter(Printer):
    """xDSL's printer of attributes, with MLIR's floats, sorted dictionaries and arrays without needless element types."""

    def __init__(self) -> None:
        super().__init__()
        self._texts: dict[int, tuple[Attribute, str]] = {}

    def text(self, attribute: Attribute) -> str:
        """The text of an attribute. It is remembered by identity: the parser shares equal attributes."""
        known = self._texts.get(id(attribute))
        if known is None:
            stream, self.stream = self.stream, io.StringIO()
            self._print(attribute)
            known = self._texts[id(attribute)] = (attribute, self.stream.getvalue())
            self.stream = stream
        return known[1]

    def print_attribute(self, attribute: Attribute) -> None:
        self.print_string(self.text(attribute))

    def _print(self, attribute: Attribute) -> None:
        match attribute:
            case ArrayAttr():
                self.print_string(f"[{', '.join(map(self._element_text, attribute.data))}]")
            case DictionaryAttr():
                self.print_string(f"{{{self.entries(attribute.data)}}}")
            case _:
                super().print_attribute(attribute)

    def _element_text(self, element: Attribute) -> str:
        match element:
            case IntegerAttr() if element.type == i64:
                return str(element.value.data)
            case FloatAttr() if isinstance(element.type, Float64Type):
                return float_text(element.value.data)
        return self.text(element)

    def entries(self, attributes: Mapping[str, Attribute]) -> str:
        """The inside of a dictionary's braces."""
        return ", ".join(self._entry(name, attributes[name]) for name in sorted(attributes, key=str.encode))

    def _entry(self, name: str, attribute: Attribute) -> str:
        if not name.replace("_", "a").replace(".", "a").replace("$", "a").isalnum() or name[0].isdigit() or not name.isascii():
            name = self._literal(name)
        return name if isinstance(attribute, UnitAttr) else f"{name} = {self.text(attribute)}"

    def _literal(self, text: str) -> str:
        stream, self.stream = self.stream, io.StringIO()
        self.print_string_literal(text)
        literal = self.stream.getvalue()
        self.stream = stream
        return literal

    def print_float(self, value: float, type: AnyFloat) -> None:
        if isinstance(type, Float32Type | Float64Type):
            self.print_string(float_text(value, 32 if isinstance(type, Float32Type) else 64))
        else:
            super().print_float(value, type)

    def print_int(self, value: int, type: Attribute | None = None) -> None:
        self.print_string(("true" if value else "false") if type == i1 else str(value))


class _ModuleText:
    """The text of one module."""

    def __init__(self, module: ModuleOp):
        self._module = module
        self._attributes = _AttributePrinter()
        self._values: dict[SSAValue, str] = {}
        self._locations = _LocationAliases(module)
        self._lines: list[str] = []

    def text(self) -> str:
        """The whole file."""
        self._print_op(self._module, "")
        before, after = self._locations.definitions(self._attributes.text)
        return "\n".join([*before, *self._lines, *after, ""])

    def _print_op(self, op: Operation, indent: str) -> None:
        match op:
            case ModuleOp():
                self._print_module(op, indent)
            case FuncOp():
                self._print_function(op, indent)
            case ReturnOp():
                self._line(indent, f"return{self._returned(op)}", op)
            case CallOp():
                callee = self._attributes.text(op.callee)
                signature = f"({self._names(op.operands)}) : {self._signature(op)}"
                self._line(indent, f"{self._result_names(op)}call {callee}{signature}", op)
            case _:
                self._print_generic(op, indent)

    def _line(self, indent: str, text: str, op: Operation) -> None:
        self._lines.append(f"{indent}{text} {self._locations.use(op.location)}")

    def _print_module(self, op: ModuleOp, indent: str) -> None:
        name = "" if op.sym_name is None else f" @{_symbol(op.sym_name.data)}"
        attributes = f" attributes {{{self._attributes.entries(op.attributes)}}}" if op.attributes else ""
        self._lines.append(f"{indent}module{name}{attributes} {{")
        for inner in op.body.block.ops:
            self._print_op(inner, indent + "  ")
        self._line(indent, "}", op)

    def _print_function(self, op: FuncOp, indent: str) -> None:
        block = op.body.block
        text = self._attributes.text
        arguments = []
        for index, argument in enumerate(block.args):
            self._values[argument] = f"%arg{index}"
            arguments.append(f"%arg{index}: {text(argument.type)} {self._locations.in_place(argument.location, text)}")
        outputs = [text(t) for t in op.function_type.outputs]
        arrow = "" if not outputs else f" -> {outputs[0]}" if len(outputs) == 1 else f" -> ({', '.join(outputs)})"
        visibility = f" {op.sym_visibility.data}" if op.sym_visibility else ""
        attributes = f" attributes {{{self._attributes.entries(op.attributes)}}}" if op.attributes else ""
        name = _symbol(op.sym_name.data)
        self._lines.append(f"{indent}func.func{visibility} @{name}({', '.join(arguments)}){arrow}{attributes} {{")
        _NameGiver(self._values).visit(block)
        for inner in block.ops:
            self._print_op(inner, indent + "  ")
        self._line(indent, "}", op)

    def _print_generic(self, op: Operation, indent: str) -> None:
        head = f'{self._result_names(op)}"{op.name}"({self._names(op.operands)})'
        attributes = f" {{{self._attributes.entries(op.attributes)}}}" if op.attributes else ""
        tail = f"{attributes} : {self._signature(op)}"
        if not op.regions:
            self._line(indent, head + tail, op)
            return
        opening = f"{indent}{head} ({{"
        for region in op.regions:
            self._lines.append(opening)
            for block in region.blocks:
                for inner in block.ops:
                    self._print_op(inner, indent + "  ")
            opening = f"{indent}}}, {{"
        self._line(indent, f"}}){tail}", op)

    def _returned(self, op: ReturnOp) -> str:
        if not op.operands:
            return ""
        return f" {self._names(op.operands)} : {', '.join(self._attributes.text(v.type) for v in op.operands)}"

    def _names(self, values: Iterable[SSAValue]) -> str:
        return ", ".join(self._values[v] for v in values)

    def _result_names(self, op: Operation) -> str:
        if not op.results:
            return ""
        first = self._values[op.results[0]]
        if first.endswith("#0"):
            return f"{first[:-2]}:{len(op.results)} = "
        return f"{self._names(op.results)} = "

    def _signature(self, op: Operation) -> str:
        text = self._attributes.text
        outputs = [text(r.type) for r in op.results]
        output = outputs[0] if len(outputs) == 1 else f"({', '.join(outputs)})"
        return f"({', '.join(text(v.type) for v in op.operands)}) -> {output}"


class _NameGiver:
    """Names for the values of a function: numbers, or the names that an op with several fixed results gives them."""

    def __init__(self, values: dict[SSAValue, str]):
        self._values = values
        self._taken: set[str] = set()
        self._conflicts = 0

    def visit(self, block: Block, first: int = 0) -> None:
        """Number the values of a block; those of the regions inside go on from there, every region from the same number."""
        number = first
        for op in block.ops:
            number = self._name_results(op, number)
        for op in block.ops:
            for region in op.regions:
                for inner in region.blocks:
                    for index, argument in enumerate(inner.args):
                        self._values[argument] = f"%arg{index}"
                    self.visit(inner, number)

    def _name_results(self, op: Operation, number: int) -> int:
        own_names = _own_result_names(op)
        if own_names:
            for value, name in zip(op.results, own_names):
                self._values[value] = f"%{self._unique(name)}"
            return number
        if not op.results:
            return number
        for index, value in enumerate(op.results):
            self._values[value] = f"%{number}" if len(op.results) == 1 else f"%{number}#{index}"
        return number + 1

    def _unique(self, name: str) -> str:
        """The name, with a number where another value has it: one count for all names, as MLIR does."""
        unique = name
        while unique in self._taken:
            unique = f"{name}_{self._conflicts}"
            self._conflicts += 1
        self._taken.add(unique)
        return unique


def _own_result_names(op: Operation) -> list[str]:
    if not isinstance(op, TensorOp) or len(op.results) < 2:
        return []
    definitions = op.get_irdl_definition().results
    if len(definitions) < 2 or any(isinstance(d, VarResultDef | OptResultDef) for _, d in definitions):
        return []
    return [name.rstrip("_") for name, _ in definitions]


class _LocationAliases:
    """The aliases of all locations of a module."""

    def __init__(self, module: ModuleOp):
        plain: dict[LocationAttr, None] = {}
        composed: dict[LocationAttr, None] = {}
        self._of_arguments: set[LocationAttr] = set()
        for location, is_argument in _locations(module):
            if is_argument:
                self._of_arguments.add(location)
            for inner in _with_children(location):
                (composed if isinstance(inner, FusedLoc) else plain)[inner] = None
        names = ["#loc"] + [f"#loc{n}" for n in range(1, len(plain) + len(composed))]
        self._aliases = dict(zip([*plain, *composed], names))

    def use(self, location: LocationAttr) -> str:
        """The text of a location after an op."""
        return f"loc({self._aliases[_simplified(location)]})"

    def in_place(self, location: LocationAttr, text: Callable[[Attribute], str]) -> str:
        """The text of a block argument's location: never an alias."""
        return text(_simplified(location))

    def definitions(self, text: Callable[[Attribute], str]) -> tuple[list[str], list[str]]:
        """The lines that define aliases, before and after the module."""
        before, after = [], []
        for location, alias in self._aliases.items():
            if isinstance(location, FusedLoc):
                body = f"loc(fused[{', '.join(self._aliases[inner] for inner in fused_parts(location))}])"
            else:
                body = text(location)
            (before if location in self._of_arguments else after).append(f"{alias} = {body}")
        return before, after


def _simplified(location: LocationAttr) -> LocationAttr:
    if isinstance(location, FusedLoc) and len(fused_parts(location)) == 1:
        return fused_parts(location)[0]
    return location


def _with_children(location: LocationAttr) -> Iterator[LocationAttr]:
    if isinstance(location, FusedLoc):
        for inner in fused_parts(location):
            yield from _with_children(inner)
    yield location


def _locations(op: Operation) -> Iterator[tuple[LocationAttr, bool]]:
    """Every location below an op, in the order of aliases, and whether it is a block argument's."""
    yield _simplified(op.location), False
    for region in op.regions:
        for block in region.blocks:
            for argument in block.args:
                yield _simplified(argument.location), True
            for inner in block.ops:
                yield from _locations(inner)


def _symbol(name: str) -> str:
    """A symbol name, in quotes where it is no identifier."""
    if name.isascii() and name.replace("_", "a").replace(".", "a").replace("$", "a").replace("-", "a").isalnum() and not name[0].isdigit():
        return name
    return f'"{name}"'
