"""Writes docs/ops.md out of what is declared: `python docs/generate_ops.py`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from tpuc_bm1684x.kernels import KERNELS
from tpuc_bm1684x.lowering import unary
from tpuc_bm1684x.lowering.generic import same_float
from tpuc_bm1684x.lowering.lower import FAMILIES  # noqa: F401  (loads the families, which register themselves)
from tpuc_bm1684x.lowering.movement import move_int8
from tpuc_bm1684x.lowering.registry import RULES, kernel_obstacle
from tpuc_onnx.registry import CONVERTERS as ONNX_CONVERTERS
from tpuc_tflite.registry import CONVERTERS as TFLITE_CONVERTERS

from tpuc_core.evaluate.registry import evaluated_ops
from tpuc_core.ir import top, tpu
from tpuc_core.ir.dialects.base import TensorOp
from tpuc_core.ir.dialects.kinds import python_value
from tpuc_core.ir.dialects.table import OpTable
from tpuc_core.plan import Precision

DOCUMENT = Path(__file__).with_name("ops.md")
HEAD = """# Operators

Made by `python docs/generate_ops.py` out of the declarations; a test holds it up to date.

## ONNX operators that are imported

{onnx}.

## TFLite operators that are imported

{tflite}.

Restrictions of one operator (a shape that is not constant, say) are reported with the names of all nodes that they hit.

## `top` ops, and what BM1684X runs

*float*: evaluated in float32, for `transform` and `calibrate`. *F32*, *16 bits* (F16 and BF16),
*INT8*: there is a form on the chip; restrictions of one op (padding
beyond 15, say) are reported when a model is quantized. `--canonicalize`, which `transform` runs, rewrites some ops that have none
(BatchNorm as Scale, Flatten as Reshape, Split as Slice, ...).

| op | float | F32 | 16 bits | INT8 |
| --- | --- | --- | --- | --- |
{support}

"""
STRUCTURE = {"Input", "None", "Weight", "Yield"}


def support_rows() -> Iterator[str]:
    """A row for each `top` op with a class of its own."""
    evaluated = {name.removeprefix("top.") for name in evaluated_ops()}
    for kind in (name.removeprefix("top.") for name in declared(top.OPS)):
        if kind not in STRUCTURE:
            marks = (kind in evaluated, *(has_form(kind, p) for p in (Precision.F32, Precision.F16, Precision.INT8)))
            yield f"| {kind} | {' | '.join('x' if mark else '' for mark in marks)} |"


def has_form(kind: str, precision: Precision) -> bool:
    """Whether there is a rule for an op in a precision, and a kernel where the rule only renames it."""
    rule = RULES.get((f"top.{kind}", precision))
    if rule is None:
        return False
    if rule.lower is unary.active_float:
        return unary.mode_obstacle(unary.MODES[kind]) is None
    return rule.lower not in (same_float, move_int8) or kernel_obstacle(kind) is None


def declared(table: OpTable) -> list[str]:
    """The names of the ops with a class of their own."""
    return [name for name in table.names() if name not in table.signatures]


def op_of(table: OpTable, name: str) -> type[TensorOp]:
    op = table.find(name)
    assert op is not None, name
    return op


def section(op: type[TensorOp]) -> str:
    """Signature, text and attributes of an op."""
    definition = op.get_irdl_definition()
    signature = f"({', '.join(n for n, _ in definition.operands)}) -> {', '.join(n for n, _ in definition.results) or 'nothing'}"
    parts = [f"### {op.name}", f"`{signature}`", inspect.getdoc(op) or ""]
    if definition.attributes:
        rows = [attribute_row(op, name) for name in sorted(definition.attributes)]
        parts.append("\n".join(["| attribute | kind | default |", "| --- | --- | --- |", *rows]))
    return "\n\n".join(parts)


def attribute_row(op: type[TensorOp], name: str) -> str:
    cases = getattr(op.kinds()[name], "cases", ())
    kind = ", ".join(f"`{case}`" for case in cases) if cases else op.kinds()[name].text
    if name in op.defaults():
        value = f"`{python_value(op.defaults()[name])}`"
    else:
        value = "may be absent" if "Opt" in type(op.get_irdl_definition().attributes[name]).__name__ else "must be given"
    return f"| {name} | {kind} | {value} |"


def kernel_rows() -> Iterator[str]:
    """A row for each op that the chip computes: what its kernel does."""
    for name in sorted(KERNELS):
        text = " ".join((KERNELS[name].__doc__ or "an instruction of the same name, on floats").split())
        yield f"| {name.removeprefix('tpu.')} | {text.replace('|', chr(92) + '|')} |"


def document() -> str:
    """The whole text."""
    text = HEAD.format(onnx=", ".join(sorted(ONNX_CONVERTERS.by_operator)), tflite=", ".join(sorted(TFLITE_CONVERTERS.by_operator)),
                       support="\n".join(support_rows()))
    kernels = ["## `tpu` ops with a kernel", "| op | computes |\n| --- | --- |\n" + "\n".join(kernel_rows())]
    details = [f"## Every `{table.dialect}` op" + (
        "\n\nThe dialect has more ops, by signature only, so that files of other tools can be read: "
        f"`tpuc_core/ir/dialects/{table.dialect}/other.ops`." if table.signatures else "")
        + "\n\n" + "\n\n".join(section(op_of(table, name)) for name in declared(table)) for table in (top.OPS, tpu.OPS)]
    return re.sub(r"[ \t]+$", "", text + "\n\n".join([*kernels, *details]), flags=re.MULTILINE) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
