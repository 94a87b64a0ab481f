"""LSTM, GRU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.ir import SSAValue

from tpuc_core.ir import is_none, top
from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.registry import Unsupported, converts

ACTIVATIONS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}


@converts("LSTM")
def lstm(importer: Importer, node: Node) -> None:
    if node.get("input_forget", 0) or any(importer.parameter(node, 7, "peepholes").flat if node.input(7) else ()):
        raise Unsupported("peepholes" if node.input(7) else "input_forget")
    recurrent(importer, node, top.LSTMOp, states=[5, 6], more=[importer.none()], ends=["_LSTM", "_H", "_C"])


@converts("GRU")
def gru(importer: Importer, node: Node) -> None:
    recurrent(importer, node, top.GRUOp, states=[5], more=[], ends=["_GRU", "_H"],
              linear_before_reset=bool(node.get("linear_before_reset", 0)))


def recurrent(importer: Importer, node: Node, op_class: type, *, states: list[int], more: list[SSAValue], ends: list[str],
              **attributes: bool) -> None:
    """One op for all steps; layout 1 and the direction "reverse" are moves of elements before and after it."""
    _check(importer, node)
    direction, is_batch_first = node.get("direction", "forward"), bool(node.get("layout", 0))
    name = node.label_name
    x = importer.value(node.input(0))
    if is_batch_first:
        x = importer.emit_named(f"{name}_steps_first", top.PermuteOp, [x], order=[1, 0, 2])
    if direction == "reverse":
        x = importer.emit_named(f"{name}_backwards", top.ReverseOp, [x], axis=0)
    initial = []
    for index in states:
        state = importer.value(node.input(index)) if node.input(index) else importer.none()
        if is_batch_first and not is_none(state):
            state = importer.emit_named(f"{name}_state{index}", top.PermuteOp, [state], order=[1, 0, 2])
        initial.append(state)
    bias = importer.value(node.input(3)) if node.input(3) else importer.none()
    outputs = [node.outputs[i] if i < len(node.outputs) and importer.is_used(node.outputs[i]) else "" for i in range(len(ends))]
    moves = [_Move(direction == "reverse" and i == 0, is_batch_first, i == 0) for i in range(len(ends))]
    names = [f"{o}_{node.op}{'_inner' if move else ''}" if o else f"{name}{end}" for o, move, end in zip(outputs, moves, ends)]
    operands = [x, importer.value(node.input(1)), importer.value(node.input(2)), bias, *initial, *more]
    results = importer.emit_results(names, op_class, operands, wanted=[bool(o) for o in outputs], **attributes,
                                    hidden_size=_hidden_size(importer, node), bidirectional=direction == "bidirectional")
    for output, move, value in zip(outputs, moves, results):
        if output:
            importer.bind(output, move.emit(importer, f"{output}_{node.op}", value))


def _hidden_size(importer: Importer, node: Node) -> int:
    return int(node.get("hidden_size", importer.shape(node.input(2))[-1]))


@dataclass(frozen=True)
class _Move:
    """What brings a result into the order and layout that a node promises; false where it has them."""

    is_backward: bool
    is_batch_first: bool
    is_sequence: bool

    def __bool__(self) -> bool:
        return self.is_backward or self.is_batch_first

    def emit(self, importer: Importer, name: str, value: SSAValue) -> SSAValue:
        if self.is_backward:
            value = importer.emit_named(f"{name}_forwards" if self.is_batch_first else name, top.ReverseOp, [value], axis=0)
        if self.is_batch_first:
            order = [2, 0, 1, 3] if self.is_sequence else [1, 0, 2]
            value = importer.emit_named(name, top.PermuteOp, [value], order=order)
        return value


def _check(importer: Importer, node: Node) -> None:
    kinds = [str(a) for a in node.get("activations") or ()]
    if any(kind != wanted for kind, wanted in zip(kinds, ACTIVATIONS[node.op] * 2)):
        raise Unsupported(f"the activations {', '.join(dict.fromkeys(kinds))}")
    if node.get("clip") or node.get("activation_alpha") or node.get("activation_beta"):
        raise Unsupported("clip" if node.get("clip") else "parameters of activations")
    for index, what in ((1, "filter"), (2, "recurrence"), (3, "bias")):
        importer.optional_parameter(node, index, what)
    lengths = importer.optional_parameter(node, 4, "lengths of sequences")
    steps = importer.shape(node.input(0))[1 if node.get("layout", 0) else 0]
    if lengths is not None and np.any(lengths != steps):
        raise Unsupported("sequences of different lengths")
