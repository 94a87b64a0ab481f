"""The tables of a .bmodel file, as far as static nets on this chip use them; docs/bmodel.md says what the fields mean.

Slots are fixed by files in the field: a table may leave fields out, but not renumber them.
"""

from __future__ import annotations

from tpuc_bm1684x.bmodel.flat import BINARY, F32, I32, U8, U32, U64, Struct, Table, number, one, text, vector

RELOCATION = Struct((U32, U32, U32))  # base address id, address offset, byte in the command stream


class ShapeTable(Table):
    dim = vector(0, U64)


class TensorTable(Table):
    name = text(0, is_required=True)
    data_type = number(1, U32)
    gmem_stmode = number(2, I32)
    device_addr = number(3, U64)
    size = number(4, U64)
    shape = vector(5, ShapeTable)
    mem_type = number(6, U32)
    scale = number(7, F32, default=1.0)
    zero_point = number(10, I32)
    hidden = number(11, I32)
    index = number(12, I32)


class CmdGroupTable(Table):
    bdc_num = number(0, U32)
    gdma_num = number(1, U32)
    binary_bdc = one(2, BINARY)
    binary_gdma = one(3, BINARY)
    bdc_cmd_byte = number(4, U32)
    gdma_cmd_byte = number(5, U32)
    reloc_entries = vector(6, RELOCATION)


class CoreCommandsTable(Table):
    gdma_tiu_commands = vector(0, CmdGroupTable)


class LocationTable(Table):
    name = text(0, is_required=True)
    offset = number(1, U64)
    size = number(2, U64)


class CoeffMemTable(Table):
    address = number(0, U64)
    check_code = vector(1, U8)
    binary_coeff = one(2, BINARY)
    location = vector(3, LocationTable)
    encrypt_mode = number(4, I32)


class SubNetTable(Table):
    subnet_mode = number(0, I32)
    cmd_group = vector(1, CmdGroupTable)
    input_tensor = vector(3, TensorTable)
    output_tensor = vector(4, TensorTable)
    is_dynamic = number(5, I32)
    id = number(10, I32, default=-1)
    next_subnet_ids = vector(11, I32)
    core_commands = vector(14, CoreCommandsTable)
    run_core = number(15, U32)


class NetParameterTable(Table):
    """One stage: the net for one set of input shapes."""

    input_tensor = vector(0, TensorTable, is_required=True)
    output_tensor = vector(1, TensorTable, is_required=True)
    ctx_addr = number(2, U64)
    ctx_size = number(3, U64)
    coeff_mem = one(4, CoeffMemTable)
    is_dynamic = number(5, I32)
    cmd_group = vector(8, CmdGroupTable)
    sub_net = vector(12, SubNetTable)
    ctx_sizes = vector(14, U64)
    core_num = number(16, U32)
    io_addr = number(17, U64)
    io_size = number(18, U64)
    tensor_loc = one(19, BINARY)
    dynamic_ctx_addr = number(20, U64)


class NetTable(Table):
    name = text(0, is_required=True)
    parameter = vector(3, NetParameterTable)
    addr_mode = number(5, I32)


class KernelModuleTable(Table):
    file_name = text(0, is_required=True)
    binary = one(1, BINARY, is_required=True)


class ModelTable(Table):
    """The root."""

    type = text(0, is_required=True)
    version = text(1, is_required=True)
    time = text(2, is_required=True)
    chip = text(3, is_required=True)
    net = vector(4, NetTable, is_required=True)
    neuron_size = number(5, U64)
    kernel_module = one(6, KernelModuleTable)
    device_num = number(7, U32)
