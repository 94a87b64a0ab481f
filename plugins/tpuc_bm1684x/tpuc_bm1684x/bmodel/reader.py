"""Reads a .bmodel file; whatever is wrong with one is a sentence."""

from __future__ import annotations

import struct
from pathlib import Path

from tpuc_bm1684x.bmodel import schema
from tpuc_bm1684x.bmodel.content import (
    CHIP,
    DATA_TYPES,
    SUBNET_KINDS,
    Bmodel,
    CommandGroup,
    Net,
    Stage,
    SubNet,
    Tensor,
    WeightLocation,
)
from tpuc_bm1684x.bmodel.flat import Damaged, FlatReader
from tpuc_bm1684x.bmodel.section import decode_section
from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file

MAGIC = 0xFF55AAEE
HEAD_BYTES = 64
HEAD = struct.Struct("<IIIQ44x")  # magic, bytes of this head, bytes of the tables, bytes of the binary part


def read_bmodel(source: str | Path | bytes) -> Bmodel:
    """The content of a file, or of the bytes of one.

    Raises TpucError: no such file, not a bmodel, truncated, damaged tables, a range outside the file, another chip.
    """
    name = "bmodel" if isinstance(source, bytes) else f'"{source}"'
    data = source if isinstance(source, bytes) else _file_bytes(Path(source))
    try:
        return _bmodel(_model_table(data))
    except Damaged as error:
        raise TpucError(f"{name} is damaged or not a bmodel: {error}") from error
    except TpucError as error:
        raise TpucError(f"{name}: {error}") from error


def _file_bytes(path: Path) -> bytes:
    try:
        return existing_file(path).read_bytes()
    except OSError as error:
        raise TpucError(f'cannot read "{path}": {error.strerror}') from error


def _model_table(data: bytes) -> schema.ModelTable:
    if len(data) < HEAD_BYTES:
        raise Damaged(f"{len(data)} bytes are less than its head")
    magic, head_bytes, table_bytes, binary_bytes = HEAD.unpack_from(data)
    if magic != MAGIC:
        raise Damaged(f"its magic is {magic:#010x} where {MAGIC:#010x} should be")
    if head_bytes != HEAD_BYTES:
        raise Damaged(f"its head says {head_bytes} bytes where {HEAD_BYTES} should be")
    binary_start = HEAD_BYTES + table_bytes
    if len(data) < binary_start + binary_bytes:
        raise Damaged(f"it is truncated: {len(data)} bytes of {binary_start + binary_bytes}")
    seen: dict[tuple[int, int], bytes] = {}

    def binary(start: int, size: int) -> bytes:
        if binary_start + start + size > len(data):
            raise Damaged(f"a range of {size:#x} bytes at {start:#x} lies outside its binary part")
        if (start, size) not in seen:
            seen[start, size] = data[binary_start + start : binary_start + start + size]
        return seen[start, size]

    return FlatReader(data[HEAD_BYTES:binary_start], binary).root(schema.ModelTable)


def _bmodel(table: schema.ModelTable) -> Bmodel:
    if table.chip != CHIP:
        raise TpucError(f'it is for the chip "{table.chip}", not for {CHIP}')
    return Bmodel([_net(net) for net in table.net], table.chip, table.version, table.time)


def _net(table: schema.NetTable) -> Net:
    if not table.parameter:
        raise Damaged(f'net "{table.name}" has no stage')
    return Net(table.name, [_stage(stage) for stage in table.parameter], table.addr_mode)


def _stage(table: schema.NetParameterTable) -> Stage:
    memory = table.coeff_mem or schema.CoeffMemTable()
    if memory.encrypt_mode:
        raise TpucError("its weights are encrypted")
    subnets = [_subnet(subnet) for subnet in table.sub_net]
    if not subnets:
        subnets = [SubNet(_tensors(table.input_tensor), _tensors(table.output_tensor), _groups(table.cmd_group))]
    stage = Stage(
        inputs=_tensors(table.input_tensor),
        outputs=_tensors(table.output_tensor),
        subnets=subnets,
        ctx_address=table.ctx_addr,
        ctx_size=sum(table.ctx_sizes) or table.ctx_size,
        coefficients=memory.binary_coeff or b"",
        io_address=table.io_addr,
        io_size=table.io_size,
        weights=[WeightLocation(row.name, row.offset, row.size) for row in memory.location],
        section=decode_section(table.tensor_loc or b""),
    )
    if table.coeff_mem:
        stage.coefficient_address = memory.address
    return stage


def _subnet(table: schema.SubNetTable) -> SubNet:
    groups = _groups(table.cmd_group) or [g for core in table.core_commands for g in _groups(core.gdma_tiu_commands)]
    return SubNet(
        inputs=_tensors(table.input_tensor),
        outputs=_tensors(table.output_tensor),
        groups=groups,
        kind=SUBNET_KINDS.get(table.subnet_mode, f"mode {table.subnet_mode}"),
        is_dynamic=bool(table.is_dynamic),
        next_ids=list(table.next_subnet_ids),
    )


def _groups(tables: list[schema.CmdGroupTable]) -> list[CommandGroup]:
    return [_group(table) for table in tables]


def _group(table: schema.CmdGroupTable) -> CommandGroup:
    tiu = _stream("TIU", table.binary_bdc or b"", table.bdc_cmd_byte)
    gdma = _stream("GDMA", table.binary_gdma or b"", table.gdma_cmd_byte)
    return CommandGroup(tiu, gdma, table.bdc_num, table.gdma_num)


def _stream(engine: str, stream: bytes, size: int) -> bytes:
    if size > len(stream):
        raise Damaged(f"a {engine} stream of {len(stream)} bytes says that it has {size}")
    return stream[:size] if size else stream


def _tensors(tables: list[schema.TensorTable]) -> list[Tensor]:
    return [_tensor(table) for table in tables]


def _tensor(table: schema.TensorTable) -> Tensor:
    if table.data_type not in DATA_TYPES:
        raise Damaged(f'tensor "{table.name}" has the unknown data type {table.data_type}')
    if not table.shape:
        raise Damaged(f'tensor "{table.name}" has no shape')
    shape = tuple(table.shape[0].dim)
    dtype = DATA_TYPES[table.data_type]
    return Tensor(table.name, dtype, shape, table.device_addr, table.scale, table.zero_point)
