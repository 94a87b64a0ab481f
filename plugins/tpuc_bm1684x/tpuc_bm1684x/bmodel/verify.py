"""Checks the certificate of a .bmodel again: the hashes, then the simulator on the test input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tpuc_bm1684x.bmodel.certificate import Certificate, part_hashes, stored_test_input
from tpuc_bm1684x.bmodel.content import Bmodel
from tpuc_core.certify import tensor_sha256
from tpuc_core.errors import TpucError

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Check:
    """One statement of the certificate, whether it holds, and what was found where it does not."""

    what: str
    holds: bool
    found: str = ""


def check_hashes(bmodel: Bmodel, certificate: Certificate) -> list[Check]:
    """Whether the proof was a success, and the file's parts are those that it speaks of."""
    found = part_hashes(bmodel)
    checks = [Check("interpreter and simulator agreed when the file was made", certificate.holds)]
    for part, digest in found.items():
        certified = certificate.parts.get(part, "none")
        checks.append(
            Check(f"{part} as certified", digest == certified, f"{digest[:16]} where {certified[:16]} should be")
        )
    return checks


def certified_input(bmodel: Bmodel, certificate: Certificate, given: Arrays | None = None) -> dict[str, np.ndarray]:
    """The test input, out of the file or as given. Raises TpucError where it is missing or another one."""
    section = bmodel.section
    inputs = given if given is not None else stored_test_input(section) if section else {}
    if not certificate.inputs:
        raise TpucError("its certificate names no test input")
    for name, digest in certificate.inputs.items():
        if name not in inputs:
            raise TpucError(
                f'the test input "{name}" is not {"among those given" if given is not None else "in the file"}'
            )
        if tensor_sha256(inputs[name]) != digest:
            raise TpucError(f'input "{name}" is another one than its certificate speaks of')
    return {name: inputs[name] for name in certificate.inputs}


def check_tensors(
    certificate: Certificate, simulate: Callable[[dict[str, np.ndarray]], Arrays], inputs: Arrays
) -> list[Check]:
    """Whether the simulator gives the certified bits; `simulate` gives the stored values of every tensor."""
    found = simulate(dict(inputs))
    names = list(certificate.tensors)
    missing = [name for name in names if name not in found]
    different = [name for name in names if name in found and tensor_sha256(found[name]) != certificate.tensors[name]]
    return [
        Check(
            f"all of {len(names)} tensors are computed",
            bool(names) and not missing,
            f"{len(missing)} missing: {_some(missing)}",
        ),
        Check("each has the certified bits", not different, f"{len(different)} differ: {_some(different)}"),
    ]


def _some(names: list[str], limit: int = 3) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:limit])
    return shown + (", ..." if len(names) > limit else "")
