"""What the device demands of commands and the C model does not check."""

from __future__ import annotations

from tpuc_bm1684x.bmodel import read_bmodel
from tpuc_bm1684x.isa import ElementType, Layout, decode_stream
from tpuc_bm1684x.isa.memory_map import EU_BYTES, LANE_BYTES

MOST_W_STRIDE_BYTES = 128
FREE_LAYOUTS = {Layout.STRIDED}


def check_device_limits(path) -> None:
    """Asserts that aligned operands are aligned, that tensors start in lane 0, and that rows of transfers are dense enough."""
    group = read_bmodel(path).nets[0].stages[0].groups[0]
    for command in decode_stream("tiu", group.tiu)[:-1]:
        _check_computation(command.form, command.values())
    for command in decode_stream("gdma", group.gdma)[:-1]:
        _check_transfer(command.values())


def _check_computation(form: str, values: dict[str, int]) -> None:
    for name in ("res0", "opd0", "opd1"):
        address = values.get(f"{name}_addr", 0)
        if values.get(f"{name}_const") or address >= LANE_BYTES * 64:
            continue
        assert address < LANE_BYTES, (form, name, address)
        if f"{name}_prec" in values and values.get(f"{name}_str") not in FREE_LAYOUTS:
            assert address % EU_BYTES == 0, (form, name, address)


def _check_transfer(values: dict[str, int]) -> None:
    size = ElementType(values["src_data_format"]).size_bytes
    for side in ("src", "dst"):
        if values["cmd_special_function"] == 0 and values[f"{side}_wsize"] > 1:
            assert 0 < values[f"{side}_wstride"] * size <= MOST_W_STRIDE_BYTES, values
