"""`!quant.calibrated<f32<MIN:MAX>>` and `!quant.uniform<i8:f32, SCALE:ZERO_POINT>`: element types that carry what calibration found."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import AnyFloat, f32
from xdsl.ir import Data, Dialect, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.mlir_lexer import MLIRTokenKind

from tpuc_core.ir.floats import float_from_bits, float_text


@dataclass(frozen=True)
class Range:
    """The real values that a tensor is expected to take."""

    low: float
    high: float
    expressed: AnyFloat = f32


@irdl_attr_definition
class CalibratedType(Data[Range], TypeAttribute):
    """A float whose range is known."""

    name = "quant.calibrated"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Range:
        with parser.in_angle_brackets():
            expressed = _parse_expressed(parser)
            with parser.in_angle_brackets():
                low = _parse_float(parser)
                parser.parse_punctuation(":")
                high = _parse_float(parser)
        return Range(low, high, expressed)

    def print_parameter(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_attribute(self.data.expressed)
            printer.print_string(f"<{float_text(self.data.low)}:{float_text(self.data.high)}>")


@dataclass(frozen=True)
class Uniform:
    """Linear quantization: real = (stored - zero_point) * scale; one scale a slice along `axis` where that is not None.

    `storage` is spelled "i8" or "u8" (4 to 32 bits); `limits` only where they are not the full range of the storage.
    """

    storage: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...] = (0,)
    expressed: AnyFloat = f32
    axis: int | None = None
    limits: tuple[int, int] | None = None


@irdl_attr_definition
class UniformType(Data[Uniform], TypeAttribute):
    """An integer that stands for a float."""

    name = "quant.uniform"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Uniform:
        with parser.in_angle_brackets():
            storage = _parse_storage(parser)
            limits = _parse_limits(parser)
            parser.parse_punctuation(":")
            expressed = _parse_expressed(parser)
            axis = parser.parse_integer() if parser.parse_optional_punctuation(":") else None
            parser.parse_punctuation(",")
            if axis is None:
                pairs = [_parse_scale(parser)]
            else:
                pairs = parser.parse_comma_separated_list(parser.Delimiter.BRACES, lambda: _parse_scale(parser))
        scales, zero_points = zip(*pairs)
        return Uniform(storage, scales, zero_points, expressed, axis, limits)

    def print_parameter(self, printer: Printer) -> None:
        uniform = self.data
        limits = "" if uniform.limits is None else f"<{uniform.limits[0]}:{uniform.limits[1]}>"
        pairs = [float_text(s) + (f":{z}" if z else "") for s, z in zip(uniform.scales, uniform.zero_points)]
        with printer.in_angle_brackets():
            printer.print_string(f"{uniform.storage}{limits}:")
            printer.print_attribute(uniform.expressed)
            printer.print_string(f", {pairs[0]}" if uniform.axis is None else f":{uniform.axis}, {{{','.join(pairs)}}}")


def _parse_expressed(parser: AttrParser) -> AnyFloat:
    start = parser.pos
    expressed = parser.parse_type()
    if not isinstance(expressed, AnyFloat):
        parser.raise_error("a float type is wanted here", start)
    return expressed


def _parse_storage(parser: AttrParser) -> str:
    start = parser.pos
    word = parser.parse_identifier(" as storage type")
    spelled = word.removeprefix("s").replace("ui", "u")
    if spelled[:1] not in ("i", "u") or spelled[1:] not in ("4", "8", "16", "32"):
        parser.raise_error(f'"{word}" is no storage type of a quantized tensor', start)
    return spelled


def _parse_limits(parser: AttrParser) -> tuple[int, int] | None:
    if parser.parse_optional_punctuation("<") is None:
        return None
    low = parser.parse_integer()
    parser.parse_punctuation(":")
    high = parser.parse_integer()
    parser.parse_punctuation(">")
    return low, high


def _parse_scale(parser: AttrParser) -> tuple[float, int]:
    scale = _parse_float(parser)
    return scale, parser.parse_integer() if parser.parse_optional_punctuation(":") else 0


def _parse_float(parser: AttrParser) -> float:
    token = parser._current_token
    if token.kind == MLIRTokenKind.INTEGER_LIT and token.text[:2].lower() == "0x":
        parser._consume_token()
        return float_from_bits(token.text)
    number = parser.parse_number()
    if not isinstance(number, float):
        parser.raise_error("a float is wanted here, with a point", token.span)
    return number


QUANT = Dialect("quant", [], [CalibratedType, UniformType])

__all__ = ["QUANT", "CalibratedType", "Range", "Uniform", "UniformType"]
