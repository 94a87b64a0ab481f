"""Compare two sets of tensors: equal, close, similar within a tolerance, or not.

With t the target and r the reference, both flattened:

    cosine     t·r / (|t| |r|)                    1 for the same direction; 0 where either is all zeros
    euclidean  1 - |t - r| / (|(t + r) / 2|)      1 for the same values
    sqnr       10 log10(var(t) / var(t - r))      dB
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.npz.similarity import measure

CLOSE_ORDERS = (5, 4, 3)  # CLOSE of order n: |t - r| <= 1e-8 + 10**-n |r| everywhere
_TOP_ROWS = 10


class Verdict(StrEnum):
    """How a target tensor relates to its reference. The last spelling is the one of the established tools."""

    EQUAL = "EQUAL"
    CLOSE = "CLOSE"
    SIMILAR = "SIMILAR"
    NOT_MATCH = "NOT_MATCH"
    NOT_EQUAL = "NOT_EQUAL"
    NOT_SIMILAR = "NOT_SIMLIAR"


_PASSING = {Verdict.EQUAL, Verdict.CLOSE, Verdict.SIMILAR}


class Tolerance(NamedTuple):
    """What a similar tensor must exceed."""

    cosine: float = 0.99
    euclidean: float = 0.99

    @classmethod
    def parse(cls, text: str) -> Tolerance:
        """ "0.99,0.90" as (cosine, euclidean). Raises TpucError."""
        try:
            cosine, euclidean = (float(part) for part in text.split(","))
            if not max(cosine, euclidean) <= 1.0 or np.isnan([cosine, euclidean]).any():
                raise ValueError
        except ValueError:
            raise TpucError(f'tolerance "{text}" should be two numbers of at most 1, cosine and euclidean, such as 0.99,0.90') from None
        return cls(cosine, euclidean)


@dataclass(frozen=True)
class TensorComparison:
    """The verdict on one tensor; similarities are there when it was neither equal nor close."""

    name: str
    verdict: Verdict
    shape: tuple[int, ...]
    dtype: str
    close_order: int | None = None
    cosine: float | None = None
    euclidean: float | None = None
    sqnr: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool:
        return self.verdict in _PASSING

    def lines(self, verbosity: int = 0) -> list[str]:
        """The verdict's line; with verbosity 1 and more its figures."""
        lines = [f"[{self.name:<32}] {self.verdict:>12} [{'PASSED' if self.passed else 'FAILED':>6}]"]
        if verbosity:
            lines.append(f"    {self.shape} {self.dtype} ")
            if self.close_order is not None:
                lines.append(f"    {'close order':<22} = {self.close_order}")
            for label, value in (("cosine", self.cosine), ("euclidean", self.euclidean), ("sqnr", self.sqnr)):
                if value is not None:
                    lines.append(f"    {label + '_similarity':<22} = {value:f}")
        if self.note:
            lines.append(f"    {self.note}")
        return lines


@dataclass
class Report:
    """The verdicts on all tensors of two sets, in the reference's order."""

    tolerance: Tolerance
    comparisons: list[TensorComparison] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return all(c.passed for c in self.comparisons)

    @property
    def failures(self) -> list[TensorComparison]:
        return [c for c in self.comparisons if not c.passed]

    @property
    def min_similarity(self) -> tuple[float, float, float]:
        """The least cosine, euclidean and sqnr of the tensors that were neither equal nor close."""
        return self.least_similarity({c.name for c in self.comparisons})

    def least_similarity(self, names: Collection[str]) -> tuple[float, float, float]:
        """`min_similarity` of the tensors with these names."""
        measured = [c for c in self.comparisons if c.cosine is not None and c.name in names]
        return (min((c.cosine for c in measured if c.cosine is not None), default=1.0),
                min((c.euclidean for c in measured if c.euclidean is not None), default=1.0),
                min((c.sqnr for c in measured if c.sqnr is not None), default=float("inf")))

    def count(self, *verdicts: Verdict) -> int:
        return sum(c.verdict in verdicts for c in self.comparisons)

    def summary(self) -> list[str]:
        """The counts and the least similarity."""
        failed = len(self.failures)
        return [
            f"{len(self.comparisons)} compared", f"{len(self.comparisons) - failed} passed",
            f"  {self.count(Verdict.EQUAL)} equal, {self.count(Verdict.CLOSE)} close, {self.count(Verdict.SIMILAR)} similar",
            f"{failed} failed",
            f"  {self.count(Verdict.NOT_EQUAL, Verdict.NOT_MATCH)} not equal, {self.count(Verdict.NOT_SIMILAR)} not similar",
            f"min_similarity = {self.min_similarity}",
        ]

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {"passed": self.passed, "tolerance": list(self.tolerance),
                "tensors": [{**c.__dict__, "verdict": str(c.verdict), "passed": c.passed} for c in self.comparisons]}


def compare(target: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray], cosine: float = 0.99,
            euclidean: float = 0.99, excepts: Collection[str] = (), *, is_int8_similar: bool = True) -> Report:
    """Compare the tensors that both sets have, `excepts` left out.

    `is_int8_similar` False wants int8 tensors equal. Raises TpucError when no name is common.
    """
    report = Report(Tolerance(cosine, euclidean))
    for name, wanted in reference.items():
        if name in target and name not in excepts:
            report.comparisons.append(
                compare_tensor(name, target[name], wanted, report.tolerance, is_int8_similar=is_int8_similar))
    if not report.comparisons:
        raise TpucError("nothing to compare: no tensor name is in both files"
                        + (" (names that --excepts leaves out do not count)" if excepts else ""))
    return report


def compare_tensor(name: str, target: np.ndarray, reference: np.ndarray, tolerance: Tolerance, *,
                   is_int8_similar: bool = True) -> TensorComparison:
    """The verdict on one tensor; the reference takes the target's shape where the sizes agree."""
    if target.size != reference.size:
        return TensorComparison(name, Verdict.NOT_MATCH, target.shape, str(target.dtype),
                                note=f"shape {target.shape}, reference {reference.shape}")
    for tensor in (target, reference):
        if tensor.dtype.kind not in "biuf":
            raise TpucError(f'tensor "{name}" is {tensor.dtype}: real numbers are wanted; --excepts leaves tensors out')
    t, r = _same_type(target.reshape(-1), reference.reshape(-1))
    shape, dtype = target.shape, str(t.dtype)
    if np.array_equal(t, r, equal_nan=t.dtype.kind == "f"):
        return TensorComparison(name, Verdict.EQUAL, shape, dtype)
    if t.dtype == np.int8 and not is_int8_similar:
        return TensorComparison(name, Verdict.NOT_EQUAL, shape, dtype)
    figures = measure(t, r, CLOSE_ORDERS)
    if figures.close_order is not None:
        return TensorComparison(name, Verdict.CLOSE, shape, dtype, close_order=figures.close_order)
    is_similar = figures.cosine > tolerance.cosine and figures.euclidean > tolerance.euclidean
    return TensorComparison(name, Verdict.SIMILAR if is_similar else Verdict.NOT_SIMILAR, shape, dtype, None,
                            figures.cosine, figures.euclidean, figures.sqnr)


def top_rows(target: np.ndarray, reference: np.ndarray, k: int = _TOP_ROWS) -> list[str]:
    """The k largest elements of both sides next to each other: index and value."""
    t, r = target.reshape(-1), reference.reshape(-1)
    rows = zip(np.argsort(-t.astype(np.float64), kind="stable")[:k], np.argsort(-r.astype(np.float64), kind="stable")[:k])
    return ["    top-k:", "     idx-t  target  idx-r  ref", *(f"     {i} {t[i]!s} {j} {r[j]!s}" for i, j in rows)]


def _same_type(target: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    for dtype in (np.dtype(np.int8), np.dtype(np.int32)):
        if dtype in (target.dtype, reference.dtype):
            return _cast(target, dtype), _cast(reference, dtype)
    return _cast(target, np.dtype(np.float32)), _cast(reference, np.dtype(np.float32))


def _cast(tensor: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """16-bit words are the bits of bf16, as weight files store it."""
    if tensor.dtype == np.uint16:
        tensor = (tensor.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(invalid="ignore"):
        return tensor.astype(dtype)
