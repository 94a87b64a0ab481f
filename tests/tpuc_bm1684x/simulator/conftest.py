"""Bmodels of a few commands, built by hand; this folder on the path of its tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tpuc_bm1684x.bmodel import Bmodel, CommandGroup, Net, Section, Stage, SubNet, Tensor, encode_bmodel
from tpuc_bm1684x.isa import FORM_BY_NAME, ElementType, join_stream
from tpuc_bm1684x.isa.memory_map import GLOBAL_BASE, LOCAL_BASE

sys.path.insert(0, str(Path(__file__).parent))

C, H, W = 70, 3, 5
SHAPE = (1, C, H, W)
X, Y, SPACE = GLOBAL_BASE, GLOBAL_BASE + 0x2000, 0x4000
LOCAL_X, LOCAL_Y = 0x0, 0x4000


def move(cmd_id: int, wait: int, source: int, target: int, **fields: int) -> bytes:
    """A copy of the tensor between memories."""
    sizes = {f"{side}_{axis}size": size for side in ("src", "dst") for axis, size in zip("nchw", SHAPE)}
    values = {
        "cmd_id": cmd_id,
        "cmd_id_dep": wait,
        "src_data_format": ElementType.F32,
        "src_start_addr": source,
        "dst_start_addr": target,
        **sizes,
        **fields,
    }
    return FORM_BY_NAME["DMA_tensor"].encode(**values)


def arithmetic(cmd_id: int = 1, wait: int = 1, **fields: int) -> bytes:
    """y = x + 1.0 in local memory."""
    sizes = {f"res0_{axis}": size for axis, size in zip("nchw", SHAPE)}
    f32 = dict.fromkeys(("res0_prec", "opd0_prec", "opd1_prec"), ElementType.F32)
    values = {
        "cmd_id": cmd_id,
        "cmd_id_dep": wait,
        "tsk_eu_typ": 2,
        "tsk_opd_num": 2,
        **sizes,
        **f32,
        "res0_addr": LOCAL_Y,
        "opd0_addr": LOCAL_X,
        "opd1_const": 1,
        "opd1_addr": 0x3F800000,
        **fields,
    }
    return FORM_BY_NAME["sAR"].encode(**values)


@pytest.fixture
def build() -> Callable[..., bytes]:
    """build(tiu=..., gdma=..., dtype="f32", ends=((scale, zero point), ...), section=None, stage={}) -> the bytes of a
    file with the input "x" and the output "y"; without commands it computes y = x + 1."""

    def make(
        tiu: list[bytes] | None = None,
        gdma: list[bytes] | None = None,
        dtype: str = "f32",
        ends: tuple = ((1.0, 0), (1.0, 0)),
        section: dict[str, Any] | None = None,
        stage: dict[str, int] | None = None,
    ) -> bytes:
        tiu = [arithmetic()] if tiu is None else tiu
        gdma = [move(1, 0, X, LOCAL_BASE + LOCAL_X), move(2, 1, LOCAL_BASE + LOCAL_Y, Y)] if gdma is None else gdma
        group = CommandGroup(join_stream("tiu", tiu), join_stream("gdma", gdma), len(tiu) + 1, len(gdma) + 1)
        x, y = Tensor("x", dtype, SHAPE, X, *ends[0]), Tensor("y", dtype, SHAPE, Y, *ends[1])
        made = Stage([x], [y], [SubNet([x], [y], [group])], X, SPACE, section=Section(section) if section else None)
        made = replace(made, **(stage or {}))
        return encode_bmodel(Bmodel([Net("net", [made])]))

    return make
