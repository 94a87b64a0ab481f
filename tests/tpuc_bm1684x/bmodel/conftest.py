"""A whole net in three commands: y = x + 0.5 on f32 [1, 8, 4, 4], encoded by hand."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from tpuc_bm1684x.bmodel import GLOBAL_MEMORY, Bmodel, CommandGroup, Net, Section, Stage, SubNet, Tensor, WeightLocation
from tpuc_bm1684x.isa import FORM_BY_NAME, join_stream
from tpuc_bm1684x.isa.kinds import ElementType

SHAPE = (1, 8, 4, 4)
LOCAL_MEMORY, X_LOCAL, Y_LOCAL = 0x800_0000, 0, 0x2000
COEFFICIENT_BYTES = 4096
CTX = GLOBAL_MEMORY + COEFFICIENT_BYTES
PAGE = 4096
IN_GLOBAL, IN_LOCAL = (128, 16, 4, 1), (16, 16, 4, 1)


def move(cmd_id: int, awaited: int, source: int, target: int, *, is_load: bool) -> bytes:
    sides = (IN_GLOBAL, IN_LOCAL) if is_load else (IN_LOCAL, IN_GLOBAL)
    strides = {
        f"{side}_{axis}stride": s for side, values in zip(("src", "dst"), sides) for axis, s in zip("nchw", values)
    }
    sizes = {f"src_{axis}size": size for axis, size in zip("nchw", SHAPE)}
    return FORM_BY_NAME["DMA_tensor"].encode(
        cmd_id=cmd_id, cmd_id_dep=awaited, stride_enable=1, nchw_copy=1, src_data_format=ElementType.F32,
        src_start_addr=source, dst_start_addr=target, **sizes, **strides,
    )  # fmt: skip


def add_half() -> bytes:
    shape = {f"res0_{axis}": size for axis, size in zip("nchw", SHAPE)}
    types = {f"{operand}_prec": ElementType.F32 for operand in ("res0", "opd0", "opd1")}
    constant = struct.unpack("<I", struct.pack("<f", 0.5))[0]
    return FORM_BY_NAME["sAR"].encode(
        cmd_id=1, cmd_id_dep=1, tsk_eu_typ=2, tsk_opd_num=2, opd0_sign=1, opd1_sign=1, opd1_const=1,
        res0_addr=Y_LOCAL, opd0_addr=X_LOCAL, opd1_addr=constant, **types, **shape,
    )  # fmt: skip


def make_bmodel() -> Bmodel:
    x, y = Tensor("x", "f32", SHAPE, CTX), Tensor("y", "f32", SHAPE, CTX + PAGE)
    load = move(1, 0, x.address, LOCAL_MEMORY + X_LOCAL, is_load=True)
    store = move(2, 1, LOCAL_MEMORY + Y_LOCAL, y.address, is_load=False)
    group = CommandGroup(join_stream("tiu", [add_half()]), join_stream("gdma", [load, store]), 2, 3)
    piece = {
        "engine": "tiu",
        "group": 0,
        "after": 1,
        "space": "local",
        "address": Y_LOCAL,
        "shape": list(SHAPE),
        "strides": list(IN_LOCAL),
        "offset": [0, 0, 0, 0],
    }
    entry = {
        "name": "y",
        "storage": "f32",
        "shape": list(SHAPE),
        "shape4": list(SHAPE),
        "scale": 1.0,
        "zero_point": 0,
        "pieces": [piece],
    }
    stage = Stage(
        inputs=[x],
        outputs=[y],
        subnets=[SubNet([x], [y], [group])],
        ctx_address=CTX,
        ctx_size=2 * PAGE,
        coefficients=bytes(range(256)) * 16,
        weights=[WeightLocation("filter", 0, COEFFICIENT_BYTES)],
        section=Section({"name": "half", "tensors": [entry]}, {"table": b"threshold"}),
    )
    return Bmodel([Net("half", [stage])])


@pytest.fixture
def bmodel() -> Bmodel:
    return make_bmodel()


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
