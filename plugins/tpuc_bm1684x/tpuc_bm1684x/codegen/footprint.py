"""Which bytes of the lanes a command reads and writes, from its fields alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tpuc_bm1684x.isa import ElementType, Layout
from tpuc_bm1684x.isa.fields import Command
from tpuc_bm1684x.isa.memory_map import EU_BYTES, LANE_BYTES, LANES, LOCAL_BASE, STATIC_BASE
from tpuc_core.errors import TpucError


class Range(NamedTuple):
    """Bytes start..stop-1 of every lane."""

    start: int
    stop: int
    is_write: bool


class Fields(dict[str, int]):
    """The fields of a command; one that its form does not have is 0."""

    def __missing__(self, name: str) -> int:
        return 0

    def shape(self, operand: str = "res0") -> tuple[int, int, int, int]:
        return tuple(self[f"{operand}_{axis}"] for axis in "nchw")  # type: ignore[return-value]

    def size(self, operand: str) -> int:
        return ElementType(self[f"{operand}_prec"]).size_bytes


def slots(channels: int) -> int:
    """Slots of a lane for so many channels from lane 0."""
    return -(-channels // LANES)


def aligned(address: int, shape: tuple[int, int, int, int], size: int, *, is_write: bool = False) -> Range:
    """An aligned tensor."""
    n, c, h, w = shape
    channel = -(-h * w * size // EU_BYTES) * EU_BYTES
    return at(address, (n * slots(c) - 1) * channel + h * w * size, is_write=is_write)


def at(address: int, size_bytes: int, *, is_write: bool = False) -> Range:
    """So many bytes from an address."""
    offset = address % LANE_BYTES
    return Range(offset, offset + size_bytes, is_write)


def strided(address: int, shape: tuple[int, int, int, int], strides: tuple[int, ...], size: int, *, is_write: bool = False) -> Range:
    """A tensor with free strides in elements."""
    n, c, h, w = shape
    last = sum((count - 1) * stride for count, stride in zip((n, slots(c), h, w), strides))
    return at(address, (last + 1) * size, is_write=is_write)


def _result(f: Fields) -> Range:
    return aligned(f["res0_addr"], f.shape(), f.size("res0"), is_write=True)


def _convolution(f: Fields) -> list[Range]:
    n, c, _, _ = f.shape()
    size = f.size("opd0")
    shape = (n, f["opd0_c"], f["opd0_h"], f["opd0_w"])
    if f["opd0_str"] == Layout.STRIDED:
        source = strided(f["opd0_addr"], shape, tuple(f[f"opd0_{a}_str"] for a in "nchw"), size)
    else:
        source = aligned(f["opd0_addr"], shape, size)
    group = {1: 64, 2: 32, 4: 1}[size]
    weights = at(f["opd1_addr"], slots(c) * -(-f["opd0_c"] // group) * group * f["opd1_h"] * f["opd1_w"] * size)
    bias = [] if f["opd2_const"] else [at(f["opd2_addr"], slots(c) * 4)]
    old = [_result(f)._replace(is_write=False)] if f["res_add"] else []
    return [source, weights, *bias, *old, _result(f)]


def _pooling(f: Fields) -> list[Range]:
    n, c, _, _ = f.shape()
    size = f.size("opd0")
    source = aligned(f["opd0_addr"], (n, c, f["opd0_h"], f["opd0_w"]), size)
    if f["tsk_eu_typ"] != 0:
        return [source, _result(f)]
    weights = at(f["opd1_addr"], slots(c) * f["opd1_h"] * f["opd1_w"] * size)
    bias = [] if f["opd2_const"] else [at(f["opd2_addr"], slots(c) * (2 if size == 2 else 4))]
    return [source, weights, *bias, _result(f)]


def _arithmetic(f: Fields) -> list[Range]:
    shape = f.shape()

    def operand(name: str, *, is_write: bool = False) -> Range:
        layout, address, size = f[f"{name}_str"], f[f"{name}_addr"], f.size(name)
        if layout == Layout.ALIGNED:
            return aligned(address, shape, size, is_write=is_write)
        strides = (0, 1, 0, 0) if layout == Layout.BROADCAST else tuple(f[f"{name}_{a}_str"] for a in "nchw")
        return strided(address, shape, strides, size, is_write=is_write)

    sources = [name for name, count in (("opd0", 1), ("opd1", 2)) if f["tsk_opd_num"] >= count and not f[f"{name}_const"]]
    return [*(operand(name) for name in sources), operand("res0", is_write=True)]


def _requantize(f: Fields) -> list[Range]:
    words = {0: 2, 1: 3, 3: 2, 4: 3}[f["tsk_eu_typ"]]
    parameters = [] if f["opd1_const"] else [aligned(f["opd1_addr"], (1, f["res0_c"], 1, words), 4)]
    return [aligned(f["opd0_addr"], f.shape(), f.size("opd0")), *parameters, _result(f)]


def _special_function(f: Fields) -> list[Range]:
    series = [at(f["opd1_addr"], f["opd1_n"] * f.size("opd0"))] if f["tsk_eu_typ"] in (12, 13) else []
    return [aligned(f["opd0_addr"], f.shape(), f.size("opd0")), *series, _result(f)]


def _table(f: Fields) -> list[Range]:
    index = aligned(f["opd1_addr"], f.shape(), f.size("opd1"))
    if f["opd0_str"] == Layout.PER_LANE:
        table = at(f["opd0_addr"], f["opd0_w"] * f.size("res0"))
    else:
        table = aligned(f["opd0_addr"], (1, f["res0_c"], 1, f["opd0_w"]), f.size("res0"))
    return [table, index, _result(f)]


def _comparison(f: Fields) -> list[Range]:
    sizes = {"opd0": f.size("opd0"), "opd1": f.size("opd0"), "opd2": f.size("opd2"), "opd3": f.size("opd2")}
    operands = [aligned(f[f"{name}_addr"], f.shape(), size) for name, size in sizes.items() if not f[f"{name}_const"]]
    return [*operands, aligned(f["res0_addr"], f.shape(), f.size("opd2"), is_write=True)]


def _matrix_product(f: Fields) -> list[Range]:
    size, rows, pieces, width = f.size("opd0"), f["opd0_n"], f["opd0_c"], f["opd0_w"]
    inner = (pieces - 1) * width + f["opd1_w"]
    left = aligned(f["opd0_addr"], (rows, pieces, 1, width), size)
    right = aligned(f["opd1_addr"], (inner, f["res0_c"], 1, f["res0_w"]), size)
    result = aligned(f["res0_addr"], (rows, f["res0_c"], 1, f["res0_w"]), f.size("res0"), is_write=True)
    bias = [] if f["opd2_const"] or f["res0_prec"] != ElementType.F32 else [aligned(f["opd2_addr"], (1, f["res0_c"], 1, f["res0_w"]), 4)]
    return [left, right, *bias, *([result._replace(is_write=False)] if f["res_add"] else []), result]


def _transpose(f: Fields) -> list[Range]:
    if f["opd0_addr"] >= STATIC_BASE and f["tsk_eu_typ"] == 4:
        return [aligned(f["res0_addr"], (1, f["res0_c"], 1, f["res0_w"]), f.size("res0"), is_write=True)]
    raise TpucError(f"the checker of waits does not know transpose operation {f['tsk_eu_typ']}")


def _transfer(f: Fields) -> list[Range]:
    size = ElementType(f["src_data_format"]).size_bytes
    source = tuple(f[f"src_{a}size"] for a in "nchw")
    target = source if f["nchw_copy"] else tuple(f[f"dst_{a}size"] for a in "nchw")
    ranges = []
    for side, shape, is_write in (("src", source, False), ("dst", target, True)):
        address = f[f"{side}_start_addr"]
        if not LOCAL_BASE <= address < STATIC_BASE or (not is_write and f["fill_constant_en"]):
            continue
        strides = tuple(f[f"{side}_{a}stride"] for a in "nchw")
        ranges.append(strided(address, shape, strides, size, is_write=is_write))  # type: ignore[arg-type]
    return ranges


FOOTPRINTS: dict[str, Callable[[Fields], list[Range]]] = {
    "sCONV": _convolution, "sPorD": _pooling, "sAR": _arithmetic, "sRQDQ": _requantize, "sSFU": _special_function, "sSG": _table,
    "sTRANSBC": _transpose, "sCMP": _comparison, "sMM": _matrix_product, "DMA_tensor": _transfer,
}


def footprint(command: Command) -> list[Range]:
    """The ranges that a command reads and writes. Raises TpucError for a form that is not known here."""
    if command.form not in FOOTPRINTS:
        raise TpucError(f"the checker of waits does not know {command.form} commands")
    return FOOTPRINTS[command.form](Fields(command.values()))
