"""Quantization tables that know the model that they are for: lines `NAME MODE`, and in comments the structure of that model.

The structure says nothing of names: a table still fits when a model was exported again and its layers are called otherwise, and
does not fit another model that happens to have layers of the same names. Weights are no part of it: a model that was trained
on has the same structure. Tables without it, of other tools or written by hand, go by names alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file, whole_file
from tpuc_core.plan import Precision, read_quantization_table

if TYPE_CHECKING:
    from xdsl.ir import Operation, SSAValue

    from tpuc_core.ir import Model

_MODEL, _OP = "# structure of the model:", "# structure of"
_DIGITS = 16  # of a key


@dataclass
class Structure:
    """Keys of a model and of its ops, by op name in the order of the model."""

    model: str
    ops: dict[str, str] = field(default_factory=dict)


def structure_of(model: Model) -> Structure:
    """What a `top` model computes, apart from names and from the numbers in its weights.

    An op's key is made of its kind, its attributes, its shapes, and the keys of what it reads; of ops with the same one the
    second, third, ... in the order of the model are told apart by a number.
    """
    from tpuc_core.ir import is_none, shape_of, tensor_name

    keys: dict[SSAValue, str] = {}
    for index, op in enumerate(model.inputs):
        keys[op.results[0]] = _hash(f"input {index}", list(shape_of(op.results[0])))
    structure, seen = Structure(""), Counter[str]()
    for op in model.ops():
        shapes = [None if is_none(value) else list(shape_of(value)) for value in op.results]
        key = _hash(op.name, _attributes(op), shapes, [_operand(value, keys) for value in op.operands])
        for index, value in enumerate(op.results):
            keys[value] = f"{key}.{index}"
        seen[key] += 1
        structure.ops[tensor_name(op.results[0])] = key if seen[key] == 1 else f"{key}-{seen[key]}"
    structure.model = _hash(list(structure.ops.values()), [keys.get(value, "") for value in model.outputs])
    return structure


def _attributes(op: Operation) -> list[tuple[str, str]]:
    return sorted((name, str(attribute)) for name, attribute in op.attributes.items())


def _operand(value: SSAValue, keys: Mapping[SSAValue, str]) -> object:
    from tpuc_core.ir import is_none, shape_of

    if value in keys:
        return keys[value]
    return "none" if is_none(value) else f"weight {list(shape_of(value))}"


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:_DIGITS]


def write_quantization_table(path: str | Path, model: Model, precisions: Mapping[str, Precision], header: Sequence[str] = ()) -> None:
    """Write precisions by op name, with the structure of the model. `header`: comment lines without "# ". Raises TpucError."""
    structure = structure_of(model)
    unknown = [name for name in precisions if name not in structure.ops]
    if unknown:
        raise TpucError(f'model "{model.name}" has no op "{unknown[0]}" to give a precision')
    lines = [f"# {line}" for line in header] + [f"{_MODEL} {structure.model}"]
    lines += [f"{_OP} {name}: {structure.ops[name]}" for name in precisions]
    lines += ["# op_name   quantize_mode", *(f"{name} {precision}" for name, precision in precisions.items())]
    with whole_file(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def precisions_for(path: str | Path, model: Model) -> dict[str, Precision]:
    """The precisions of a table by the names of a model's ops.

    With the structure in it: by that, whatever the names. Without: by names; names that the model lacks are ignored, as the
    established tools do. Raises TpucError: the table of another model, a table of which no name is the model's, what
    read_quantization_table raises.
    """
    from tpuc_core.ir import tensor_name

    table, written = read_quantization_table(path), _written_structure(path)
    if not written.model:
        names = {tensor_name(op.results[0]) for op in model.ops()}
        if table and not names & table.keys():
            raise TpucError(f'"{path}" names no op of model "{model.name}"; is it the table of another model?')
        return table
    own = structure_of(model)
    if own.model != written.model:
        raise TpucError(f'"{path}" is the table of another model: its structure is {written.model}, that of "{model.name}" is {own.model}; '
                        'make one for this model with "tpuc search"')
    names_by_key = {key: name for name, key in own.ops.items()}
    return {names_by_key.get(written.ops.get(name, ""), name): precision for name, precision in table.items()}


def _written_structure(path: str | Path) -> Structure:
    structure = Structure("")
    for line in existing_file(path).read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(_MODEL):
            structure.model = line.removeprefix(_MODEL).strip()
        elif line.startswith(_OP):
            name, _, key = line.removeprefix(_OP).strip().rpartition(":")
            structure.ops[name] = key.strip()
    return structure
