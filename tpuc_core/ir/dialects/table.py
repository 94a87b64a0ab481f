"""All ops of a dialect: those with a class in the package, and those that a table of signatures (`other.ops`) describes.

The latter need no code of their own: their class is made out of the signature when it is first wanted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xdsl.irdl import irdl_op_definition, var_region_def

from tpuc_core.ir.dialects import base
from tpuc_core.ir.dialects.base import TensorOp
from tpuc_core.ir.dialects.kinds import KINDS, EnumKind, Kind, StructureKind

_SIGNATURE = re.compile(
    r"(?P<name>\w+)\((?P<operands>[^)]*)\)(?: -> (?P<results>[\w*~?, ]+?))?(?P<regions> regions)?(?: \{(?P<attributes>.*)\})?$"
)
_ATTRIBUTE = re.compile(r"(?P<name>\w+)(?P<optional>\?)?: (?P<kind>[#\w\[\]]+)(?: = (?P<default>.*))?$")
_OPERANDS = {"": base.operand, "~": base.slot, "?": base.optional_operand, "*": base.operands}
_RESULTS = {"": base.result, "~": base.result, "*": base.results}


class OpTable:
    """The ops of one dialect, by name."""

    def __init__(self, dialect: str, namespace: Mapping[str, Any], path: Path):
        self.dialect = dialect
        self._classes = {
            value.name: value
            for value in namespace.values()
            if isinstance(value, type) and issubclass(value, TensorOp) and "get_irdl_definition" in vars(value)
        }
        self._path = path
        self._signatures: dict[str, str] | None = None

    @property
    def signatures(self) -> dict[str, str]:
        """The signatures of the ops that have no class of their own, by op name ("top.Arg")."""
        if self._signatures is None:
            self._signatures = {f"{self.dialect}.{line.partition('(')[0]}": line for line in _signatures(self._path)}
        return self._signatures

    def find(self, name: str) -> type[TensorOp] | None:
        """The class of the op of that name ("top.Conv"), None where there is none."""
        found = self._classes.get(name)
        if found is None and name in self.signatures:
            found = self._classes[name] = op_of_signature(self.dialect, self.signatures[name])
        return found

    def attribute(self, name: str) -> type[TensorOp]:
        """`__getattr__` of the dialect's package: the class of that name ("ConvOp")."""
        found = self.find(f"{self.dialect}.{name.removesuffix('Op')}") if name.endswith("Op") else None
        if found is None:
            raise AttributeError(f"the dialect {self.dialect} has no {name}")
        return found

    def names(self) -> list[str]:
        """The names of all ops."""
        return sorted({*self._classes, *self.signatures})


def op_of_signature(dialect: str, signature: str) -> type[TensorOp]:
    """The class that a signature describes, such as `Arg(input) -> indices, values~ {axis: i64; keepdims: bool = false}`."""
    match = _SIGNATURE.match(signature)
    if match is None:
        raise ValueError(f"not a signature: {signature}")
    fields = {"name": f"{dialect}.{match['name']}", "__doc__": f"`{signature}`", "__annotations__": {}} | _fields(match)
    return irdl_op_definition(type(f"{match['name']}Op", (TensorOp,), fields))


def _signatures(path: Path) -> Iterator[str]:
    signature = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        if line.startswith(" "):
            signature += f" {line.strip()}"
            continue
        if signature:
            yield signature
        signature = line
    if signature:
        yield signature


def _fields(match: re.Match[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for text, makers in ((match["operands"], _OPERANDS), (match["results"] or "", _RESULTS)):
        for word in filter(None, text.split(", ")):
            name = word.rstrip("~?*")
            fields[_free_name(name, fields)] = makers[word[len(name) :]]()
    if match["regions"]:
        fields["bodies"] = var_region_def()
    for text in filter(None, (match["attributes"] or "").split("; ")):
        attribute = _ATTRIBUTE.match(text)
        if attribute is None:
            raise ValueError(f"not an attribute: {text}")
        fields[_free_name(attribute["name"], fields)] = _attribute(attribute)
    return fields


def _attribute(match: re.Match[str]) -> Any:
    kind, name = _kind(match["kind"]), match["name"]
    if match["default"] is not None:
        return base.default(kind, json.loads(match["default"]), name)
    return base.optional(kind, name) if match["optional"] else base.required(kind, name)


def _kind(word: str) -> Kind:
    if word.startswith("#"):
        from tpuc_core.ir.dialects.tpu.attributes import ENUMS, STRUCTURES

        mnemonic = word[1:]
        if mnemonic in ENUMS:
            return EnumKind(mnemonic, ENUMS[mnemonic])
        return StructureKind(mnemonic, STRUCTURES[mnemonic])
    return KINDS[f"array<{word[1:-1]}>" if word.startswith("[") else word]


def _free_name(name: str, taken: dict[str, Any]) -> str:
    """The name, or with an underscore where the class needs it for something else."""
    return f"{name}_" if name == "name" or name in taken or hasattr(TensorOp, name) else name
