"""Einsum as permutations, reshapes and one matrix product for each operand after the first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from tpuc_core.ir import shape_of, top
from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.registry import Unsupported, converts


@converts("Einsum")
def einsum(importer: Importer, node: Node) -> None:
    terms, result = _parsed(str(node.get("equation", "")), [len(importer.shape(name)) for name in node.inputs])
    if any(len(set(term)) < len(term) for term in (*terms, result)):
        raise Unsupported("a letter that comes twice in a term of an equation")
    job = _Einsum(importer, node.result_names[0], {c: n for t, i in zip(terms, node.inputs) for c, n in zip(t, importer.shape(i))})
    value, term = importer.value(node.input(0)), terms[0]
    for index, (other_term, name) in enumerate(zip(terms[1:], node.inputs[1:]), 1):
        later = {c for t in terms[index + 1 :] for c in t} | set(result)
        value, term = job.product(value, term, importer.value(name), other_term, later)
    value, term = job.sum(value, term, set(result))
    job.finish(node, value, term, result)


def _parsed(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result; dots become capital letters that are free."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise Unsupported(f"the equation {equation} for {len(ranks)} operands")
    free = [c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBA" if c not in equation]
    most = max((rank - len(term) + 3 for term, rank in zip(terms, ranks) if "..." in term), default=0)
    dots = "".join(free[:most])
    spread = [t.replace("...", dots[most - (rank - len(t) + 3) :]) for t, rank in zip(terms, ranks)]
    if not arrow:
        letters = "".join(terms).replace(".", "")
        right = ("..." if most else "") + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return spread, right.replace("...", dots)


@dataclass
class _Einsum:
    """One equation; `sizes` says how long the dimension of a letter is."""

    importer: Importer
    name: str
    sizes: dict[str, int]
    _count: int = 0

    def emit(self, op_class: type, operands: list[SSAValue], **attributes: object) -> SSAValue:
        self._count += 1
        return self.importer.emit_named(f"{self.name}_step{self._count}", op_class, operands, **attributes)

    def arranged(self, value: SSAValue, term: str, groups: Sequence[str]) -> SSAValue:
        """A tensor of letters `term` with its dimensions in the order of the groups, those of a group as one."""
        order = [term.index(c) for c in "".join(groups)]
        if order != sorted(order):
            value = self.emit(top.PermuteOp, [value], order=order)
        shape = [math.prod(self.sizes[c] for c in group) for group in groups]
        return value if list(shape_of(value)) == shape else self.emit(top.ReshapeOp, [value], shape=shape)

    def sum(self, value: SSAValue, term: str, wanted: set[str]) -> tuple[SSAValue, str]:
        """Without the dimensions whose letters nobody wants."""
        axes = [i for i, c in enumerate(term) if c not in wanted]
        if not axes:
            return value, term
        value = self.emit(top.ReduceOp, [value], axes=axes, keepdims=False, mode="ReduceSum")
        return value, "".join(c for c in term if c in wanted)

    def product(self, left: SSAValue, a: str, right: SSAValue, b: str, later: set[str]) -> tuple[SSAValue, str]:
        """Batches of matrices [rows, inner] @ [inner, columns]; inner letters are those that both have and nobody wants later."""
        left, a = self.sum(left, a, later | set(b))
        right, b = self.sum(right, b, later | set(a))
        batch = "".join(c for c in a if c in b and c in later)
        inner = "".join(c for c in a if c in b and c not in later)
        rows, columns = "".join(c for c in a if c not in b), "".join(c for c in b if c not in a)
        operands = [self.arranged(left, a, (batch, rows, inner)), self.arranged(right, b, (batch, inner, columns))]
        result = self.emit(top.MatMulOp, [*operands, self.importer.none()])
        shape = [self.sizes[c] for c in batch + rows + columns]
        if shape and list(shape_of(result)) != shape:
            result = self.emit(top.ReshapeOp, [result], shape=shape)
        return result, batch + rows + columns

    def finish(self, node: Node, value: SSAValue, term: str, result: str) -> None:
        if not result:
            self.importer.mark_scalar(node.outputs[0])
            self.importer.emit(node, top.ReshapeOp, [value], shape=[1])
            return
        self.importer.emit(node, top.PermuteOp, [value], order=[term.index(c) for c in result])
