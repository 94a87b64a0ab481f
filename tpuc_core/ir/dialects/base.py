"""The base class of `top` and `tpu` ops, and the words that declare one: its operands, results, and attributes by kind.

    @irdl_op_definition
    class LeakyReluOp(TensorOp):
        name = "top.LeakyRelu"
        input = operand()
        output = result()
        alpha = required(F64)
        round_mode = default(ROUND_MODE, "HalfAwayFromZero")

IRDL gives such a class its constructor, accessors and verifier; TensorOp gives attributes as Python values.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Self, cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    FusedLoc,
    LocationAttr,
    NameLoc,
    NoneAttr,
    NoneType,
    StringAttr,
    TensorType,
    UnrankedTensorType,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AnyOf,
    BaseAttr,
    IRDLOperation,
    attr_def,
    operand_def,
    opt_attr_def,
    opt_operand_def,
    result_def,
    var_operand_def,
    var_result_def,
)

from tpuc_core.errors import TpucError, did_you_mean
from tpuc_core.ir.dialects.kinds import Kind, encode_any, python_value

_TENSOR: Any = AnyOf((BaseAttr(TensorType), BaseAttr(UnrankedTensorType)))
_TENSOR_OR_NONE: Any = AnyOf((BaseAttr(TensorType), BaseAttr(UnrankedTensorType), BaseAttr(NoneType)))

Shape = tuple[int, ...]
# One entry an operand: its shape, None for a `none` operand; its values where it is a weight, None for another tensor.
Shapes = Sequence[Any]
Values = Sequence[Any]


def operand() -> Any:
    """An operand that is always a tensor."""
    return operand_def(_TENSOR)


def slot() -> Any:
    """An operand that is always written, and holds the value of `top.None` where there is no tensor."""
    return operand_def(_TENSOR_OR_NONE)


def optional_operand() -> Any:
    """An operand that may be left out."""
    return opt_operand_def(_TENSOR_OR_NONE)


def operands() -> Any:
    """Any number of operands."""
    return var_operand_def(_TENSOR_OR_NONE)


def result() -> Any:
    """A result that is a tensor, or of type `none` where nobody wants it."""
    return result_def(_TENSOR_OR_NONE)


def results() -> Any:
    """Any number of results."""
    return var_result_def(_TENSOR_OR_NONE)


def required(kind: Kind, attr_name: str | None = None) -> Any:
    """An attribute that must be there."""
    return attr_def(kind, attr_name=attr_name)


def optional(kind: Kind, attr_name: str | None = None) -> Any:
    """An attribute that may be absent."""
    return opt_attr_def(kind, attr_name=attr_name)


def default(kind: Kind, value: Any, attr_name: str | None = None) -> Any:
    """An attribute that has a value where nothing is said, and is always printed."""
    return opt_attr_def(kind, kind.encode(value), attr_name=attr_name)


def name_location(names: str | Sequence[str]) -> LocationAttr:
    """The location that carries the names of an op's results."""
    if isinstance(names, str):
        return NameLoc(StringAttr(names), NoneAttr())
    if len(names) == 1:
        return name_location(names[0])
    return FusedLoc(tuple(name_location(name) for name in names), NoneAttr())


def location_names(location: Attribute) -> list[str]:
    """The names in a location: one, those of a fused location in order, or none."""
    match location:
        case NameLoc():
            return [location.desc.data]
        case FusedLoc():
            return [name for inner in fused_parts(location) for name in location_names(inner)]
    return []


def fused_parts(location: FusedLoc) -> tuple[LocationAttr, ...]:
    """The locations in a fused one."""
    return cast(ArrayAttr[Any], location.locations).data


class TensorOp(IRDLOperation):
    """An op on named tensors. The names of its results are its location."""

    @classmethod
    @cache
    def kinds(cls) -> dict[str, Kind]:
        """The kinds of the declared attributes, by name."""
        return {name: cast(Kind, d.constr) for name, d in cls.get_irdl_definition().attributes.items()}

    @classmethod
    @cache
    def defaults(cls) -> dict[str, Attribute]:
        """The attributes that are there even where nothing is said."""
        definitions = cls.get_irdl_definition().attributes
        return {name: d.default_value for name, d in definitions.items() if d.default_value is not None}

    @property
    def names(self) -> list[str]:
        """The names of the results."""
        return location_names(self.location)

    def get(self, name: str) -> Any:
        """The Python value of an attribute: its default where it is absent, None where it has none.

        Raises KeyError for a name that is neither declared nor there.
        """
        attribute = self.attributes.get(name)
        if attribute is None:
            if name not in self.kinds():
                raise KeyError(f"{self.name} has no attribute {name}; {did_you_mean(name, self.kinds())}")
            attribute = self.defaults().get(name)
        return None if attribute is None else python_value(attribute)

    def set(self, **values: Any) -> Self:
        """Set attributes from Python values, each in its declared kind. Returns the op.

        None removes an attribute, or gives it its default: the text form always shows those.
        """
        for name, value in values.items():
            if value is not None:
                self.attributes[name] = self._encode(name, value)
            elif name in self.defaults():
                self.attributes[name] = self.defaults()[name]
            else:
                self.attributes.pop(name, None)
        return self

    @classmethod
    def _encode(cls, name: str, value: Any) -> Attribute:
        kind = cls.kinds().get(name)
        try:
            return encode_any(value) if kind is None else kind.encode(value)
        except (TypeError, ValueError) as error:
            wanted = "an attribute" if kind is None else kind.text
            raise TpucError(f'{cls.name}: "{name}" cannot be {value!r}: {wanted} is wanted ({error})') from error

    @classmethod
    def make(
        cls,
        names: str | Sequence[str],
        operands: Sequence[SSAValue],
        result_types: Attribute | Sequence[Attribute],
        **attributes: Any,
    ) -> Self:
        """A new op, not yet in a block. Attributes that are not given have their defaults."""
        given = {name: cls._encode(name, value) for name, value in attributes.items() if value is not None}
        types = [result_types] if isinstance(result_types, Attribute) else list(result_types)
        return cls.create(
            operands=list(operands), result_types=types, attributes=cls.defaults() | given, location=name_location(names)
        )

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        """The shapes of the results, given those of the operands and the values of those that are weights.

        May bring attributes into their final form (padding, negative axes). Raises TpucError: operands that do not fit.
        """
        raise self.error("the shape of its result cannot be inferred")

    @property
    def label(self) -> str:
        """The op's first name, or a stand-in, for messages."""
        return next(iter(self.names), "?")

    def error(self, message: str) -> TpucError:
        """An error that names the op and its first tensor."""
        return TpucError(f'{self.name} "{self.label}": {message}')


class SameShapeOp(TensorOp):
    """An op whose results have the shape of its first operand."""

    def infer_shape(self, shapes: Shapes, weights: Values = ()) -> list[Shape]:
        return [shapes[0]] * len(self.results)


class UnaryOp(SameShapeOp):
    """An op on one tensor whose result has the same shape."""

    input = operand()
    output = result()
