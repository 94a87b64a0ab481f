"""The proof that a compiled file computes what its model says: the interpreter and the simulator, tensor by tensor, bit by bit."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tpuc_core.session import Tensors

if TYPE_CHECKING:
    from tpuc_core.ir import Model
    from tpuc_core.npz import Report
    from tpuc_core.plan import Plan


@dataclass(frozen=True)
class Difference:
    """Where two tensors part: `index` is the first differing element; values are as stored."""

    tensor: str
    op: str
    reason: str
    index: tuple[int, ...] = ()
    interpreted: float | int | None = None
    simulated: float | int | None = None
    count: int = 0

    def __str__(self) -> str:
        head = f'tensor "{self.tensor}" of {self.op}: {self.reason}'
        if not self.count:
            return head
        return (f"{head}; {self.count} elements differ, the first at {list(self.index)}: "
                f"{self.interpreted} interpreted, {self.simulated} simulated")


@dataclass(frozen=True)
class TensorProof:
    """A tensor that both sides computed; `sha256` is of the simulated one."""

    name: str
    op: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str


@dataclass
class Proof:
    """The tensors in order of computation, and the differences."""

    tensors: list[TensorProof] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return bool(self.tensors) and not self.differences

    @property
    def equal_count(self) -> int:
        return len(self.tensors) - sum(1 for d in self.differences if d.count)


def prove(interpreted: Tensors, simulated: Tensors, ops: Mapping[str, str], inputs: Collection[str] = ()) -> Proof:
    """Compare stored tensors bit for bit. `ops`: op name by tensor; `inputs`: tensors that nobody computes, left out."""
    proof = Proof()
    for name, expected in interpreted.items():
        if name in inputs:
            continue
        op = ops.get(name, "?")
        if name not in simulated:
            proof.differences.append(Difference(name, op, "the compiled file does not compute it"))
            continue
        given = simulated[name]
        proof.tensors.append(TensorProof(name, op, given.dtype.name, given.shape, tensor_sha256(given)))
        difference = first_difference(name, op, expected, given)
        if difference is not None:
            proof.differences.append(difference)
    return proof


def first_difference(name: str, op: str, interpreted: np.ndarray, simulated: np.ndarray) -> Difference | None:
    """None for tensors of the same type, shape and bits."""
    if interpreted.dtype != simulated.dtype:
        return Difference(name, op, f"{interpreted.dtype} interpreted, {simulated.dtype} simulated", count=interpreted.size)
    if interpreted.shape != simulated.shape:
        reason = f"shape {list(interpreted.shape)} interpreted, {list(simulated.shape)} simulated"
        return Difference(name, op, reason, count=interpreted.size)
    differs = _bits(interpreted) != _bits(simulated)
    if not differs.any():
        return None
    index = tuple(int(i) for i in np.unravel_index(int(differs.reshape(-1).argmax()), interpreted.shape))
    return Difference(name, op, "other bits", index, interpreted[index].item(), simulated[index].item(), int(differs.sum()))


def _bits(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")


def tensor_sha256(array: np.ndarray) -> str:
    """The hash of a tensor's type, shape and bytes."""
    digest = hashlib.sha256(f"{array.dtype.name}{list(array.shape)}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """The hash of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """The installed tpuc distributions and the libraries that results depend on."""
    names = {d.metadata["Name"] for d in metadata.distributions() if (d.metadata["Name"] or "").startswith("tpuc-")}
    return {name: metadata.version(name) for name in sorted(names | {"numpy", "xdsl"})}


def certificate(proof: Proof, report: Report | None, *, sources: Mapping[str, str], inputs: Tensors, input_words: str) -> dict[str, Any]:
    """The proof as plain data: hashes of the sources (by role), of the inputs and of every tensor, and its similarity to float."""
    similarity = {c.name: c for c in report.comparisons} if report else {}
    tensors = []
    for tensor in proof.tensors:
        entry = asdict(tensor) | {"shape": list(tensor.shape)}
        if (compared := similarity.get(tensor.name)) is not None:
            entry["similarity"] = _similarity(compared)
        tensors.append(entry)
    return {
        "holds": proof.holds,
        "equal": proof.equal_count,
        "sources": dict(sources),
        "input": {"words": input_words, "sha256": {name: tensor_sha256(x) for name, x in inputs.items()}},
        "tensors": tensors,
        "versions": versions(),
    }


def _similarity(compared: Any) -> list[float]:
    """Cosine and euclidean similarity, 1 for equal and close tensors; rounded, so that equal builds give equal bytes."""
    return [1.0 if s is None else round(float(s), 6) for s in (compared.cosine, compared.euclidean)]


def section(model: Model, plan: Plan, *, sources: Mapping[str, str]) -> dict[str, Any]:
    """What the compiled file carries of its origin: hashes of the sources, calibration, plan, versions."""
    from tpuc_core.ir import calibration_of, tensor_name

    values = [result for op in (*model.inputs, *model.ops()) for result in op.results]
    ranges = {tensor_name(value): list(r) for value in values if (r := calibration_of(value)) is not None}
    return {
        "name": model.name,
        "sources": dict(sources),
        "calibration": ranges,
        "plan": plan.as_json(),
        "versions": versions(),
    }

