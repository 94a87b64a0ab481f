"""Op classes out of a table of signatures (`top/other.ops`, `tpu/other.ops`), for ops that need no code of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xdsl.irdl import irdl_op_definition, var_region_def

from tpuc_core.ir.dialects import base
from tpuc_core.ir.dialects.kinds import KINDS, EnumKind, Kind, StructureKind

_SIGNATURE = re.compile(
    r"(?P<name>\w+)\((?P<operands>[^)]*)\)(?: -> (?P<results>[\w*~?, ]+?))?(?P<regions> regions)?(?: \{(?P<attributes>.*)\})?$"
)
_ATTRIBUTE = re.compile(r"(?P<name>\w+)(?P<optional>\?)?: (?P<kind>[#\w\[\]]+)(?: = (?P<default>.*))?$")
_OPERANDS = {"": base.operand, "~": base.slot, "?": base.optional_operand, "*": base.operands}
_RESULTS = {"": base.result, "~": base.result, "*": base.results}


def ops_of_table(path: Path, dialect: str) -> dict[str, type[base.TensorOp]]:
    """The op classes of a table, by class name ("ArgOp")."""
    classes = {}
    for line in _signatures(path):
        match = _SIGNATURE.match(line)
        if match is None:
            raise ValueError(f"{path.name}: not a signature: {line}")
        class_name = f"{match['name']}Op"
        fields = {"name": f"{dialect}.{match['name']}", "__doc__": f"`{line}`", "__annotations__": {}} | _fields(match)
        classes[class_name] = irdl_op_definition(type(class_name, (base.TensorOp,), fields))
    return classes


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
    kind, named = _kind(match["kind"]), {"attr_name": match["name"]}
    if match["default"] is not None:
        return base.default(kind, json.loads(match["default"]), **named)
    return base.optional(kind, **named) if match["optional"] else base.required(kind, **named)


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
    return f"{name}_" if name in taken or hasattr(base.TensorOp, name) else name
