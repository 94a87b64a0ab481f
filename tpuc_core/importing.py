"""The frame of a frontend's importer: functions by operator, the model that grows, and the loop over the nodes of a graph.

A format that is a graph derives its importer from `GraphImporter` and registers a function an operator with a `Converters`; one
that is a mere list of layers may do with `ModelBuilder`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import count
from typing import Any, Generic, TypeVar

import numpy as np
from xdsl.dialects import builtin, func
from xdsl.ir import Attribute, SSAValue

from tpuc_core.errors import TpucError
from tpuc_core.ir import Model, TensorOp, infer_op_shapes, tensor_type
from tpuc_core.plugins import load_extensions

# a constant with more elements is not made by folding nodes
LARGEST_FOLDED = 1 << 24
# how many tensors an error message suggests to end a model at
MOST_CUTS = 8

Convert = TypeVar("Convert", bound=Callable[..., None])
Node = TypeVar("Node")
Tensor = TypeVar("Tensor", bound=Hashable)


class Unsupported(Exception):
    """A node that cannot be imported; the reason as a noun phrase ("dilations in MaxPool")."""


class AfterRefused(Exception):
    """A node that reads the result of a refused one: not a finding of its own."""


class Converters(Generic[Convert]):
    """The functions that import nodes, by operator; the modules that register them are imported when one is first looked up."""

    def __init__(self, package: str, modules: Sequence[str], *, extensions: str = "", noun: str = "operator"):
        """`modules`: those of the package. `extensions`: the part of tpuc, see hookspecs.tpuc_extensions, that plugins may add
        more to. `noun`: what the format calls an operator."""
        self._package, self._modules, self._extensions, self._noun = package, modules, extensions, noun
        self._functions: dict[str, Convert] = {}

    def register(self, *operators: str) -> Callable[[Convert], Convert]:
        """Decorates the function `f(importer, node)` for these operators."""

        def register(function: Convert) -> Convert:
            self._functions.update(dict.fromkeys(operators, function))
            return function

        return register

    @cached_property
    def by_operator(self) -> Mapping[str, Convert]:
        """All of them."""
        for module in self._modules:
            import_module(f"{self._package}.{module}")
        if self._extensions:
            load_extensions(self._extensions)
        return self._functions

    def of(self, operator: str) -> Convert:
        """The function for an operator. Raises Unsupported where there is none."""
        if operator not in self.by_operator:
            raise Unsupported(f"the {self._noun} is not supported")
        return self.by_operator[operator]


class ModelBuilder:
    """A `top` model that grows: each op gets the shapes of its results and stands behind those before it."""

    def __init__(self, name: str, platform: str, input_types: Sequence[Attribute]):
        self.model = Model.new(name, platform, input_types)
        self._body = self.model.main.body.block
        self._end = func.ReturnOp()
        self._body.add_op(self._end)
        self._shared: dict[str, tuple[np.ndarray, SSAValue]] = {}

    def none(self) -> SSAValue:
        """The value that stands for an absent operand."""
        return self.model.none(before=self._end)

    def add_weight(self, name: str, array: np.ndarray, element: Attribute | None = None) -> SSAValue:
        """A constant: float32, or as it is where `element` says its type; [1] where it has no axes.

        Raises TpucError where the name holds other numbers already.
        """
        array = np.ascontiguousarray(array, np.float32 if element is None else None)
        return self.model.add_weight(name, array, self._end, element)

    def shared_weight(self, name: str, array: np.ndarray, element: Attribute | None = None, suffix: str = "_fix") -> SSAValue:
        """The same, but one weight however often it is used. Other numbers under its name, as nodes make them that share a constant and
        want it in different forms, are NAME_fix, NAME_fix_2, ..."""
        array = np.ascontiguousarray(array, np.float32 if element is None else None)
        plain = name
        for number in count(1):
            if name not in self._shared:
                self._shared[name] = array, self.add_weight(name, array, element)
            held, value = self._shared[name]
            if held.dtype == array.dtype and held.shape == array.shape and np.array_equal(held, array, equal_nan=array.dtype.kind == "f"):
                return value
            name = f"{plain}{suffix}" if number == 1 else f"{plain}{suffix}_{number}"
        raise AssertionError

    def emit_named(self, names: str | Sequence[str], op_class: type[TensorOp], operands: Sequence[SSAValue],
                   element: str | Attribute = "f32", **attributes: Any) -> SSAValue:
        """An op whose results have these names, and elements of that type; the first result."""
        return self.emit_results([names] if isinstance(names, str) else names, op_class, operands, element, **attributes)[0]

    def emit_results(self, names: Sequence[str], op_class: type[TensorOp], operands: Sequence[SSAValue],
                     element: str | Attribute = "f32", wanted: Sequence[bool] = (), **attributes: Any) -> Sequence[SSAValue]:
        """The same; all results. Those that are not wanted are of type `none`; all are, where nothing is said."""
        types = [tensor_type(None, element) if is_wanted else builtin.NoneType() for is_wanted in wanted or [True] * len(names)]
        op = op_class.make(names, operands, types, **attributes)
        infer_op_shapes(self.model, op)
        self._body.insert_op_before(op, self._end)
        return op.results


@dataclass(frozen=True)
class NodeInfo(Generic[Tensor]):
    """What the frame wants to know of a node: its operator, its name in messages, the tensors that it reads and makes."""

    op: str
    name: str
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]


class GraphImporter(ModelBuilder, ABC, Generic[Node, Tensor]):
    """Imports the nodes of a graph, in order. Whatever looks a tensor up calls `require` first."""

    converters: Converters[Any]
    noun = "node"
    """What the format calls a node."""

    def __init__(self, name: str, platform: str, input_types: Sequence[Attribute]):
        super().__init__(name, platform, input_types)
        self._not_made: set[Tensor] = set()

    @abstractmethod
    def info(self, node: Node) -> NodeInfo[Tensor]:
        """What the frame wants to know of a node."""

    @abstractmethod
    def end_name(self, tensor: Tensor) -> str | None:
        """By what name --output_names ends the model at a tensor; None for what no node has made."""

    def convert(self, node: Node) -> None:
        """Import one node. Raises Unsupported, AfterRefused; TpucError that names the node."""
        info = self.info(node)
        function = self.converters.of(info.op)
        try:
            function(self, node)
        except TpucError as error:
            raise TpucError(f'{info.op} {self.noun} "{info.name}": {error}') from error

    def require(self, tensor: Tensor) -> None:
        """Raises AfterRefused where a refused node would have made the tensor."""
        if tensor in self._not_made:
            raise AfterRefused

    def import_nodes(self, nodes: Iterable[Node]) -> None:
        """Import every node. Raises TpucError that lists all that cannot be, and the tensors before them to end the model at."""
        refused: list[tuple[NodeInfo[Tensor], str]] = []
        for node in nodes:
            try:
                self.convert(node)
            except (Unsupported, AfterRefused) as reason:
                info = self.info(node)
                self._not_made.update(info.outputs)
                if isinstance(reason, Unsupported):
                    refused.append((info, str(reason)))
        if refused:
            raise TpucError(self._refusal(refused))

    def _refusal(self, refused: Sequence[tuple[NodeInfo[Tensor], str]]) -> str:
        groups: dict[tuple[str, str], list[str]] = {}
        for info, reason in refused:
            groups.setdefault((info.op, reason), []).append(f'"{info.name}"')
        listed = "; ".join(f"{op} {', '.join(names)} ({reason})" for (op, reason), names in groups.items())
        before = dict.fromkeys(tensor for info, _ in refused for tensor in info.inputs if tensor not in self._not_made)
        cuts = [name for name in map(self.end_name, before) if name is not None]
        noun, them = (self.noun, "it") if len(refused) == 1 else (f"{self.noun}s", "them")
        way_out = f": --output_names {','.join(cuts[:MOST_CUTS])}" if cuts else " with --output_names"
        return f"{len(refused)} {noun} cannot be imported: {listed}. End the model before {them}{way_out}"
