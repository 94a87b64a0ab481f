"""Writes a .bmodel file: the same bytes for the same content, laid out as the vendor's own files are."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tpuc_bm1684x.bmodel import schema
from tpuc_bm1684x.bmodel.content import DATA_TYPES, Bmodel, CommandGroup, Net, Stage, SubNet, Tensor
from tpuc_bm1684x.bmodel.flat import FlatWriter
from tpuc_bm1684x.bmodel.reader import HEAD, HEAD_BYTES, MAGIC
from tpuc_bm1684x.bmodel.section import encode_section
from tpuc_core.errors import TpucError
from tpuc_core.files import whole_file

PAGE = 4096
STREAM_ALIGNMENT = 128
VERSION = "2.2+tpuc"
TIME = "Thu Jan  1 00:00:00 1970\n"  # the field must be there; a real time would make every build differ
IS_TPU_MEMORY = 1
DATA_TYPE_CODES = {name: code for code, name in DATA_TYPES.items()}


def write_bmodel(path: str | Path, bmodel: Bmodel) -> None:
    """Write the file. Raises TpucError where it cannot be written or has what only other tools can write."""
    data = encode_bmodel(bmodel)
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def encode_bmodel(bmodel: Bmodel) -> bytes:
    """The bytes of the file; of `bmodel`, version and time are left aside."""
    binary = _BinaryPart()
    for stage in bmodel.stages():  # the order of the vendor's files, whatever the order of the tables
        binary.place(stage.coefficients)
        for group in stage.groups:
            binary.place(padded_stream(group.tiu))
            binary.place(padded_stream(group.gdma))
    tables = FlatWriter(binary.place).root(_model(bmodel))
    tables += bytes(-(HEAD_BYTES + len(tables)) % PAGE)
    return HEAD.pack(MAGIC, HEAD_BYTES, len(tables), len(binary.data)) + tables + bytes(binary.data)


def padded_stream(stream: bytes) -> bytes:
    """A command stream as the engines want it: zeros up to a multiple of 128 bytes."""
    return stream + bytes(-len(stream) % STREAM_ALIGNMENT)


class _BinaryPart:
    """The bytes behind the tables: equal contents are stored once, each at a multiple of a page."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.starts: dict[bytes, int] = {b"": 0}

    def place(self, content: bytes) -> int:
        if content not in self.starts:
            self.data += bytes(-len(self.data) % PAGE)
            self.starts[content] = len(self.data)
            self.data += content
        return self.starts[content]


def _model(bmodel: Bmodel) -> schema.ModelTable:
    return schema.ModelTable(
        type="B",
        version=VERSION,
        time=TIME,
        chip=bmodel.chip,
        net=[_net(net) for net in bmodel.nets],
        neuron_size=max((stage.ctx_size for stage in bmodel.stages()), default=0),
        device_num=1,
    )


def _net(net: Net) -> schema.NetTable:
    return schema.NetTable(
        name=net.name, parameter=[_stage(net, stage) for stage in net.stages], addr_mode=net.address_mode
    )


def _stage(net: Net, stage: Stage) -> schema.NetParameterTable:
    for subnet in stage.subnets:
        kind = "dynamic" if subnet.is_dynamic else subnet.kind
        if kind != "tpu":
            raise TpucError(f'net "{net.name}" has a {kind} subnet, which cannot be written')
    if net.address_mode not in (0, 1):
        raise TpucError(f'net "{net.name}" has address mode {net.address_mode}; modes 0 and 1 can be written')
    return schema.NetParameterTable(
        input_tensor=_tensors(stage.inputs),
        output_tensor=_tensors(stage.outputs),
        ctx_addr=stage.ctx_address,
        ctx_size=stage.ctx_size,
        ctx_sizes=[stage.ctx_size],
        coeff_mem=_coefficients(stage) if stage.coefficients else None,
        cmd_group=_groups(stage.groups),
        sub_net=[_subnet(i, subnet) for i, subnet in enumerate(stage.subnets)],
        core_num=1,
        io_addr=stage.io_address,
        io_size=stage.io_size,
        tensor_loc=encode_section(stage.section) if stage.section else None,
        dynamic_ctx_addr=stage.ctx_address,
    )


def _coefficients(stage: Stage) -> schema.CoeffMemTable:
    return schema.CoeffMemTable(
        address=stage.coefficient_address,
        # the runtime shares the memory of two nets by this code: it must be that of the data
        check_code=list(hashlib.sha256(stage.coefficients).digest()),
        binary_coeff=stage.coefficients,
        location=[schema.LocationTable(name=w.name, offset=w.offset, size=w.size_bytes) for w in stage.weights] or None,
    )


def _subnet(index: int, subnet: SubNet) -> schema.SubNetTable:
    return schema.SubNetTable(
        subnet_mode=0,
        cmd_group=_groups(subnet.groups),
        input_tensor=_tensors(subnet.inputs),
        output_tensor=_tensors(subnet.outputs),
        id=index,
        next_subnet_ids=subnet.next_ids or [-1],
        run_core=1,
    )


def _groups(groups: list[CommandGroup]) -> list[schema.CmdGroupTable]:
    return [_group(padded_stream(g.tiu), padded_stream(g.gdma), g) for g in groups]


def _group(tiu: bytes, gdma: bytes, group: CommandGroup) -> schema.CmdGroupTable:
    return schema.CmdGroupTable(
        bdc_num=group.tiu_count,
        gdma_num=group.gdma_count,
        binary_bdc=tiu,
        binary_gdma=gdma,
        bdc_cmd_byte=len(tiu),
        gdma_cmd_byte=len(gdma),
    )


def _tensors(tensors: list[Tensor]) -> list[schema.TensorTable]:
    return [
        schema.TensorTable(
            name=tensor.name,
            data_type=DATA_TYPE_CODES[tensor.dtype],
            device_addr=tensor.address,
            size=tensor.size_bytes,
            shape=[schema.ShapeTable(dim=list(tensor.shape))],
            mem_type=IS_TPU_MEMORY,
            scale=tensor.scale,
            zero_point=tensor.zero_point,
            index=index,
        )
        for index, tensor in enumerate(tensors)
    ]
