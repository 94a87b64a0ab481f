"""Attributes of the `tpu` dialect: enumerations `#tpu<round_mode HalfUp>` and the structures `#tpu.lg<...>`, `#tpu.do_compress<...>`."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from xdsl.ir import Attribute, Data, SpacedOpaqueSyntaxAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

from tpuc_core.errors import did_you_mean

_ROUND_MODES = "HalfAwayFromZero HalfUp HalfDown HalfToEven HalfToOdd HalfTowardsZero TowardsZero Up Down"
_ACTIVE_MODES = (
    "TANH SIGMOID RELU EXP ELU SQRT SQUARE RSQRT ABSVAL LN ROUND CEIL FLOOR SIN COS IS_FINITE MISH SWISH HSWISH SILU ARCSIN "
    "ARCCOS ARCSINH ARCCOSH ARCTANH SINH COSH TAN SIGN GELU ERF HSIGMOID LOG_SIGMOID SOFT_PLUS SOFT_SIGN LOG2 TGELU QGELU"
)

# mnemonic in the text -> its cases
ENUM_CASES: dict[str, tuple[str, ...]] = {
    mnemonic: tuple(cases.split())
    for mnemonic, cases in {
        "dq_mode": "Normal TFLite",
        "rq_mode": "TFLite_LShift TFLite MultiplierShift OnlyShift QDM OnlyScale",
        "Pad_Mode": "constant reflect symmetric edge",
        "round_mode": _ROUND_MODES,
        "rope_mode": "interleaved_pairs contiguous_halves",
        "pool_mode": "Avg Max",
        "dev_pattern": "MatMulColumn MatMulRow MatMulMerge MatMulSliceMerge MatMulTopK MatMulSliceMerge2 MatMulSliceMerge3 "
        "AttentionSliceMerge AttentionSliceMerge2 EmbeddingSliceMerge FAttentionSliceMerge",
        "core_pattern": "Common",
        "lut_mode": "Other Mantissa Slope Log Exp",
        "active_mode": _ACTIVE_MODES,
        "mode": "nearest linear",
        "coord_mode": "align_corners half_pixel pytorch_half_pixel asymmetric",
        "run_mode": "TPU_STATIC TPU_DYNAMIC CPU SWITCH MERGE LOOP UNKNOW",
        "image_out_format": "FLOAT32 UINT8",
        "yuv2rgb_formula_mode": "_601_limited _601_full",
        "buffer_type": "GMEM L2",
    }.items()
}


# A comma between fields is followed by a field's name, one inside an array by a number.
_FIELD_SEPARATOR = re.compile(r",\s*(?=[a-z])")


class TpuEnum(Data[str], SpacedOpaqueSyntaxAttribute):
    """One case of an enumeration: `#tpu<MNEMONIC CASE>`."""

    mnemonic: ClassVar[str]
    cases: ClassVar[tuple[str, ...]]

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> str:
        start = parser.pos
        case = parser.parse_identifier(f" as {cls.mnemonic}")
        if case not in cls.cases:
            parser.raise_error(f'unknown {cls.mnemonic} "{case}"; {did_you_mean(case, cls.cases)}', start)
        return case

    def print_parameter(self, printer: Printer) -> None:
        printer.print_string(self.data)


def _enum_class(mnemonic: str, cases: tuple[str, ...]) -> type[TpuEnum]:
    fields = {"name": f"tpu.{mnemonic}", "mnemonic": mnemonic, "cases": cases, "__doc__": f"`#tpu<{mnemonic} CASE>`."}
    return irdl_attr_definition(type(f"{mnemonic.title().replace('_', '')}Attr", (TpuEnum,), fields))


ENUMS: dict[str, type[TpuEnum]] = {mnemonic: _enum_class(mnemonic, cases) for mnemonic, cases in ENUM_CASES.items()}


@dataclass(frozen=True)
class LayerGroupInfo:
    """Where and when an op of a layer group runs: local-memory addresses and sizes in bytes, and its slice of every dimension."""

    out_addr: int = 0
    out_size: int = 0
    buffer_addr: int = 0
    buffer_size: int = 0
    eu_align: bool = True
    can_merge: bool = False
    in_hslice_offset: tuple[int, ...] = ()
    n_idx: tuple[int, ...] = (0,)
    n_slice: tuple[int, ...] = (1,)
    c_idx: tuple[int, ...] = (0,)
    c_slice: tuple[int, ...] = (1,)
    d_idx: tuple[int, ...] = (0,)
    d_slice: tuple[int, ...] = (1,)
    h_idx: tuple[int, ...] = (0,)
    h_slice: tuple[int, ...] = (1,)
    w_idx: tuple[int, ...] = (0,)
    w_slice: tuple[int, ...] = (1,)
    id: int = 0
    stage: int = 0
    slice_idx: int = 0
    group_type: int = 0


@dataclass(frozen=True)
class CompressInfo:
    """How a tensor is compressed in global memory."""

    do_compress: bool = False
    do_decompress: bool = False
    bias0: int = 0
    bias1: int = 0
    is_signed: bool = False
    zero_guard: bool = False


class Structure(Data[Any]):
    """`#tpu.NAME<field = value, ...>`, all fields in their order. Integers, booleans and arrays of integers occur."""

    fields_class: ClassVar[type]

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Any:
        start = parser.pos
        body = parser._parse_dialect_symbol_body()
        names = [f.name for f in dataclasses.fields(cls.fields_class)]
        values = {}
        for word in _FIELD_SEPARATOR.split(body):
            name, _, text = word.partition(" = ")
            if name.strip() not in names:
                parser.raise_error(f'"{name.strip()}" is no field of {cls.name}; {did_you_mean(name, names)}', start)
            try:
                values[name.strip()] = _field_value(text.strip())
            except ValueError:
                parser.raise_error(f'"{text}" is no value for the field {name.strip()} of {cls.name}', start)
        return cls.fields_class(**values)

    def print_parameter(self, printer: Printer) -> None:
        fields = dataclasses.fields(self.data)
        printer.print_string("<" + ", ".join(f"{f.name} = {_field_text(getattr(self.data, f.name))}" for f in fields) + ">")


def _field_value(text: str) -> int | bool | tuple[int, ...]:
    if text in ("true", "false"):
        return text == "true"
    if text.startswith("["):
        return tuple(int(word) for word in text[1:-1].split(",") if word.strip())
    return int(text)


def _field_text(value: int | bool | tuple[int, ...]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return str(value)


@irdl_attr_definition
class LayerGroupAttr(Structure):
    """`#tpu.lg<...>`, the attribute `ginfo`."""

    name = "tpu.lg"
    fields_class: ClassVar[type] = LayerGroupInfo


@irdl_attr_definition
class CompressAttr(Structure):
    """`#tpu.do_compress<...>`, the attribute `compress_info`."""

    name = "tpu.do_compress"
    fields_class: ClassVar[type] = CompressInfo


STRUCTURES: dict[str, type[Structure]] = {"lg": LayerGroupAttr, "do_compress": CompressAttr}

TPU_ATTRIBUTES: list[type[Attribute]] = [*ENUMS.values(), *STRUCTURES.values()]
