"""`tpuc bmodel`: look into files, disassemble them, take out their weights, check their certificates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from tabulate import tabulate

from tpuc_bm1684x.bmodel import Bmodel, CommandGroup, Stage, Tensor, read_bmodel
from tpuc_core.errors import TpucError
from tpuc_core.files import writable_file

if TYPE_CHECKING:
    from tpuc_bm1684x.bmodel.verify import Check

FILE = click.argument("file", type=click.Path(path_type=Path))


@click.command()
@FILE
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print.")
def info(file: Path, form: str) -> None:
    """Show what is in a bmodel FILE: nets, tensors, sizes, and what tpuc wrote about it."""
    description = describe(read_bmodel(file), file)
    click.echo(json.dumps(description, indent=1) if form == "json" else _as_text(description))


def describe(bmodel: Bmodel, file: Path) -> dict[str, Any]:
    """The content of a file as JSON-able data; sizes in bytes."""
    section = bmodel.section
    return {
        "file": str(file),
        "bytes": file.stat().st_size,
        "chip": bmodel.chip,
        "version": bmodel.version,
        "nets": [
            {"name": net.name, "address_mode": net.address_mode, "stages": [_describe_stage(s) for s in net.stages]}
            for net in bmodel.nets
        ],
        "section": None if section is None else _describe_section(section.content, section.blobs),
    }


def _describe_stage(stage: Stage) -> dict[str, Any]:
    return {
        "inputs": [_describe_tensor(t) for t in stage.inputs],
        "outputs": [_describe_tensor(t) for t in stage.outputs],
        "coefficient_bytes": len(stage.coefficients),
        "neuron_bytes": stage.ctx_size,
        "subnets": [{"kind": s.kind, "is_dynamic": s.is_dynamic, "groups": len(s.groups)} for s in stage.subnets],
        "groups": [_describe_group(g) for g in stage.groups],
    }


def _describe_tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "address": tensor.address,
        "scale": tensor.scale,
        "zero_point": tensor.zero_point,
    }


def _describe_group(group: CommandGroup) -> dict[str, int]:
    return {
        "tiu_commands": group.tiu_count,
        "tiu_bytes": len(group.tiu),
        "gdma_commands": group.gdma_count,
        "gdma_bytes": len(group.gdma),
    }


def _describe_section(content: dict[str, Any], blobs: dict[str, bytes]) -> dict[str, Any]:
    """What is short, as it is; of long lists and of blobs the size."""
    certificate = content.get("certificate")
    summary: dict[str, Any] = {
        key: len(value) if key in ("tensors", "calibration", "weights") else value
        for key, value in content.items()
        if key not in ("certificate", "plan")
    }
    summary["plan"] = "plan" in content
    summary["certified_tensors"] = len(certificate.get("tensors", {})) if certificate else None
    summary["blobs"] = {name: len(data) for name, data in blobs.items()}
    return summary


def _as_text(description: dict[str, Any]) -> str:
    head = "{file}: {bytes:,} bytes, chip {chip}, format {version}".format(**description)
    stages = [(net["name"], i, stage) for net in description["nets"] for i, stage in enumerate(net["stages"])]
    blocks = [_stage_text(*stage) for stage in stages]
    return "\n\n".join([head, *blocks, _section_text(description["section"])])


def _stage_text(net: str, number: int, stage: dict[str, Any]) -> str:
    sizes = "weights {coefficient_bytes:,} bytes, neurons {neuron_bytes:,} bytes".format(**stage)
    ends = [[kind.rstrip("s"), *_tensor_row(t)] for kind in ("inputs", "outputs") for t in stage[kind]]
    groups = [[i, *group.values()] for i, group in enumerate(stage["groups"])]
    return "\n\n".join([
        f"net {net}, stage {number}: {sizes}, {len(stage['subnets'])} subnet(s)",
        tabulate(ends, ["", "name", "type", "shape", "address", "scale", "zero point"]),
        tabulate(groups, ["group", "TIU commands", "bytes", "GDMA commands", "bytes"]),
    ])  # fmt: skip


def _tensor_row(tensor: dict[str, Any]) -> list[Any]:
    shape, address = "x".join(map(str, tensor["shape"])), f"{tensor['address']:#x}"
    return [tensor["name"], tensor["dtype"], shape, address, f"{tensor['scale']:.6g}", tensor["zero_point"]]


def _section_text(section: dict[str, Any] | None) -> str:
    if section is None:
        return "written by another tool: no section of tpuc in it"
    proven = section["certified_tensors"]
    proof = "none" if proven is None else f"{proven} tensors proven; `tpuc bmodel verify` checks it"
    rows = [[key, json.dumps(value) if isinstance(value, dict | list) else value]
            for key, value in section.items() if key != "certified_tensors"]  # fmt: skip
    return tabulate([["certificate", proof], *rows], tablefmt="plain", disable_numparse=True)


@click.command()
@FILE
@click.option("--engine", type=click.Choice(["tiu", "gdma"]), help="Only this engine's commands.")
def dis(file: Path, engine: str | None) -> None:
    """Disassemble a bmodel FILE: every command of every group, the engines one after the other."""
    for line in listing(read_bmodel(file), [engine] if engine else ["tiu", "gdma"]):
        click.echo(line)


def listing(bmodel: Bmodel, engines: list[str]) -> Iterator[str]:
    """The lines of the disassembly. Raises TpucError at a command that is unknown."""
    from tpuc_bm1684x.isa import disassemble

    for net in bmodel.nets:
        for stage_number, stage in enumerate(net.stages):
            for number, group in enumerate(stage.groups):
                for engine in engines:
                    stream, count = (group.tiu, group.tiu_count) if engine == "tiu" else (group.gdma, group.gdma_count)
                    yield f"# net {net.name} stage {stage_number} group {number} {engine}: {count} commands"
                    yield from disassemble(engine, stream, count)  # type: ignore[arg-type]


@click.command()
@FILE
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The npz to write.")
def weights(file: Path, output: Path) -> None:
    """Take the weights out of a bmodel FILE, in the chip's layouts.

    Their types and shapes are known where tpuc wrote the file; otherwise they are bytes by the name that the file has
    for them.
    """
    from tpuc_core.npz import save_npz

    writable_file(output, [file])
    found: dict[str, np.ndarray] = {}
    for stage in read_bmodel(file).stages():
        found |= stage_weights(stage)
    save_npz(output, found)
    click.echo(f"{len(found)} weights, {sum(a.nbytes for a in found.values()):,} bytes -> {output}")


def stage_weights(stage: Stage) -> dict[str, np.ndarray]:
    """The weights by name. Raises TpucError for one that lies outside the coefficients."""
    from tpuc_bm1684x.bmodel.content import NUMPY_TYPES

    memory = np.frombuffer(stage.coefficients, np.uint8)
    typed = stage.section.content.get("weights", {}) if stage.section else {}
    found = {}
    for name, entry in typed.items():
        dtype, shape = np.dtype(NUMPY_TYPES[entry["dtype"]]), entry["shape"]
        part = _slice(memory, name, entry["offset"], int(np.prod(shape)) * dtype.itemsize)
        found[name] = part.view(dtype).reshape(shape)
    if not typed:
        found = {w.name: _slice(memory, w.name, w.offset, w.size_bytes) for w in stage.weights}
    return found or ({"coefficients": memory} if memory.size else {})


def _slice(memory: np.ndarray, name: str, offset: int, size_bytes: int) -> np.ndarray:
    if offset + size_bytes > memory.size:
        raise TpucError(f'weight "{name}" lies outside the {memory.size} bytes of coefficients')
    return memory[offset : offset + size_bytes].copy()


@click.command()
@FILE
@click.option(
    "--input",
    "input_file",
    type=click.Path(path_type=Path),
    help="The test input as npz, where the file does not hold it.",
)
def verify(file: Path, input_file: Path | None) -> None:
    """Check the certificate of a bmodel FILE again.

    Compares the hashes of commands, weights and tpuc's data, then runs the simulator on the test input and compares
    every tensor bit for bit. Exit code 1 when something does not hold.
    """
    from tpuc_bm1684x.bmodel.certificate import Certificate
    from tpuc_bm1684x.bmodel.verify import certified_input, check_hashes, check_tensors
    from tpuc_core.npz import load_npz

    bmodel = read_bmodel(file)
    try:
        certificate = Certificate.of(bmodel)
        checks = _shown(check_hashes(bmodel, certificate))
        inputs = certified_input(bmodel, certificate, load_npz(input_file) if input_file else None)
        checks += _shown(check_tensors(certificate, lambda arrays: _simulate(file, arrays), inputs))
    except TpucError as error:
        raise TpucError(f'"{file}" is not verified: {error}') from error
    failed = sum(not check.holds for check in checks)
    if failed:
        raise TpucError(f'the certificate of "{file}" does not hold: {failed} of {len(checks)} checks failed')
    click.echo(f"the certificate of {file} holds: {len(certificate.tensors)} tensors bit for bit")


def _shown(checks: list[Check]) -> list[Check]:
    for check in checks:
        click.echo(f"ok    {check.what}" if check.holds else f"FAIL  {check.what}: {check.found or 'no'}")
    return checks


def _simulate(file: Path, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    from tpuc_bm1684x.simulator.simulator import Simulator

    return Simulator(file).run(inputs, all_tensors=True, dequantize=False)
