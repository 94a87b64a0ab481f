"""The certificate inside a .bmodel: what was proven about the file, and hashes that tell whether it is still that one.

tpuc_core.certify makes the proof as plain data; here it gets hashes of the file's own parts and goes into the section
together with its test input, so that anyone can run the proof again.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tpuc_bm1684x.bmodel.content import Bmodel, Net, Stage, SubNet, Tensor
from tpuc_bm1684x.bmodel.reader import read_bmodel
from tpuc_bm1684x.bmodel.section import Section, canonical_json
from tpuc_bm1684x.bmodel.writer import padded_stream, write_bmodel
from tpuc_core.errors import TpucError

INPUT_BLOB = "test_input/"


@dataclass(frozen=True)
class Certificate:
    """`holds`: whether interpreter and simulator agreed; `sources`: hashes of what the file was made of, by role;
    `parts`: of the file's commands, coefficients, section and whole content; `inputs`: of the test input, by name;
    `tensors`: of every tensor in order of computation; `versions`: of the tools."""

    holds: bool
    sources: dict[str, str]
    parts: dict[str, str]
    inputs: dict[str, str]
    tensors: dict[str, str]
    versions: dict[str, str]

    @classmethod
    def of(cls, bmodel: Bmodel) -> Certificate:
        """The certificate in a file. Raises TpucError where there is none, or a damaged one."""
        section = bmodel.section
        if section is None:
            raise TpucError("it was not made by tpuc: there is no certificate in it")
        if section.certificate is None:
            raise TpucError("it has no certificate: it was compiled without validation")
        data = section.certificate
        try:
            return cls(
                holds=bool(data["holds"]),
                sources=dict(data["sources"]),
                parts=dict(data["parts"]),
                inputs=dict(data["input"]["sha256"]),
                tensors={tensor["name"]: tensor["sha256"] for tensor in data["tensors"]},
                versions=dict(data["versions"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TpucError("its certificate is damaged") from error


def attach_certificate(path: str | Path, certificate: Mapping[str, Any], inputs: Mapping[str, np.ndarray]) -> None:
    """Put a certificate (plain data as tpuc_core.certify makes it) and the test input into a finished file; a second
    call replaces the first one's. Commands and weights stay as they are. Raises TpucError: no such file, not
    writable."""
    bmodel = read_bmodel(path)
    stage = next(bmodel.stages())
    stage.section = _with_test_input(stage.section or Section(), inputs)
    stage.section = stage.section.with_certificate({**certificate, "parts": part_hashes(bmodel)})
    write_bmodel(path, bmodel)


def part_hashes(bmodel: Bmodel) -> dict[str, str]:
    """Hashes of what a file says, the certificate left aside; they do not depend on how the bytes are arranged."""
    stages = list(bmodel.stages())
    sections = [(s.section or Section()).without_certificate() for s in stages]
    parts = {
        "commands": _sha256(*(padded_stream(stream) for s in stages for g in s.groups for stream in (g.tiu, g.gdma))),
        "coefficients": _sha256(*(s.coefficients for s in stages)),
        "section": _sha256(*(part for section in sections for part in _section_parts(section))),
    }
    layout = canonical_json([bmodel.chip, [_net_layout(net) for net in bmodel.nets]])
    return {**parts, "content": _sha256(layout, *(digest.encode() for digest in parts.values()))}


def stored_test_input(section: Section) -> dict[str, np.ndarray]:
    """The test input in a section, empty where there is none. Raises TpucError where it is damaged."""
    try:
        return {
            name: np.frombuffer(zlib.decompress(section.blobs[INPUT_BLOB + name]), dtype).reshape(shape)
            for name, (dtype, shape) in section.content.get("test_input", {}).items()
        }
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise TpucError("the test input in the file is damaged") from error


def _with_test_input(section: Section, inputs: Mapping[str, np.ndarray]) -> Section:
    blobs = {name: data for name, data in section.blobs.items() if not name.startswith(INPUT_BLOB)}
    shapes = {name: [array.dtype.name, list(array.shape)] for name, array in inputs.items()}
    for name, array in inputs.items():
        blobs[INPUT_BLOB + name] = zlib.compress(np.ascontiguousarray(array).tobytes(), 6)
    return Section({**section.content, "test_input": shapes}, blobs)


def _sha256(*parts: bytes) -> str:
    """Of the parts one after the other, each behind its length."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _section_parts(section: Section) -> list[bytes]:
    named = [part for name, blob in sorted(section.blobs.items()) for part in (name.encode(), blob)]
    return [canonical_json(section.content), *named]


def _net_layout(net: Net) -> list[Any]:
    """Names, shapes, types, scales and addresses of everything, as JSON-able lists."""
    return [net.name, net.address_mode, [_stage_layout(stage) for stage in net.stages]]


def _stage_layout(stage: Stage) -> list[Any]:
    return [
        [stage.ctx_address, stage.ctx_size, stage.coefficient_address, stage.io_address, stage.io_size],
        _tensors_layout([*stage.inputs, *stage.outputs]),
        [_subnet_layout(subnet) for subnet in stage.subnets],
        [[w.name, w.offset, w.size_bytes] for w in stage.weights],
    ]


def _subnet_layout(subnet: SubNet) -> list[Any]:
    counts = [[g.tiu_count, g.gdma_count] for g in subnet.groups]
    return [subnet.kind, subnet.is_dynamic, subnet.next_ids, _tensors_layout([*subnet.inputs, *subnet.outputs]), counts]


def _tensors_layout(tensors: list[Tensor]) -> list[Any]:
    return [[t.name, t.dtype, list(t.shape), t.address, t.scale, t.zero_point] for t in tensors]
