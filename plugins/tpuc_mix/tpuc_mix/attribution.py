"""Which ops cost the accuracy, why, and what to try next."""

from __future__ import annotations

from dataclasses import dataclass

from tpuc_core.plan import Precision
from tpuc_mix.causes import Cause
from tpuc_mix.noise import Noise
from tpuc_mix.report import decibels
from tpuc_mix.task import Choice

LONGEST_NAME = 60


@dataclass(frozen=True)
class Share:
    """The noise of one op: that of each cause, as a part of the whole model's."""

    op: str
    parts: dict[Cause, float]

    @property
    def total(self) -> float:
        return sum(self.parts.values())

    @property
    def cause(self) -> Cause:
        """The largest one."""
        return max(self.parts, key=lambda cause: self.parts[cause])


@dataclass(frozen=True)
class Attribution:
    """noise: of the whole model, relative to the signal; shares: largest first; causes: parts of the whole."""

    noise: float
    shares: list[Share]
    causes: dict[Cause, float]


def attribute(noise: Noise, choice: Choice) -> Attribution:
    """Shares of the noise that a model has under a choice of precisions."""
    active = noise.active(choice)
    total = sum(active.values())
    shares: dict[str, dict[Cause, float]] = {}
    causes: dict[Cause, float] = {}
    for (name, cause), power in active.items():
        part = power / max(total, 1e-300)
        shares.setdefault(name, {})[cause] = part
        causes[cause] = causes.get(cause, 0.0) + part
    ordered = sorted((Share(name, parts) for name, parts in shares.items()), key=lambda share: -share.total)
    return Attribution(total, ordered, dict(sorted(causes.items(), key=lambda item: -item[1])))


def table(attribution: Attribution, most: int, measured: float | None = None) -> str:
    """The ops with the largest shares, in percent, by cause. `measured` is the noise power of the whole model, where it is known."""
    from tabulate import tabulate

    causes = list(attribution.causes)
    rows = [(_short(share.op), f"{100 * share.total:.1f}", *(f"{100 * share.parts[c]:.1f}" if c in share.parts else "" for c in causes))
            for share in attribution.shares[:most]]
    rest = attribution.shares[most:]
    if rest:
        rows.append((f"{len(rest)} more", f"{100 * sum(s.total for s in rest):.1f}",
                     *(f"{100 * sum(s.parts.get(c, 0.0) for s in rest):.1f}" for c in causes)))
    rows.append(("all", "100.0", *(f"{100 * attribution.causes[c]:.1f}" for c in causes)))
    align = ("left", *["right"] * (1 + len(causes)))
    whole = "" if measured is None else f" by its parts, {decibels(measured):.1f} dB measured"
    head = f"noise on the outputs: {decibels(attribution.noise):.1f} dB of the signal{whole}; shares in percent"
    return f"{head}\n{tabulate(rows, headers=('op or input', 'share', *causes), disable_numparse=True, colalign=align)}"


def _short(name: str) -> str:
    """The end of a long name, which tells layers apart."""
    return name if len(name) <= LONGEST_NAME else f"...{name[-LONGEST_NAME + 3:]}"


def advice(attribution: Attribution, mlir: str, calibration_table: str, high: Precision) -> str:
    """The next command to try, by the cause that weighs most."""
    if not attribution.causes:
        return "nothing is rounded: there is nothing to gain"
    cause = next(iter(attribution.causes))
    samples = "--dataset PICTURES --input_num 100"
    search = f"tpuc search {mlir} --calibration_table {calibration_table} --mode_high {{}} {samples} -o qtable"
    reasons = {
        Cause.CLIPPING: ("thresholds are too low for values that matter",
                         f"tpuc calibrate {mlir} {samples} --method auto -o {calibration_table}_auto"),
        Cause.ROUNDING: ("8 bits are few for these tensors: run the ops around them in a wider format", search.format(high)),
        Cause.WEIGHTS: ("8 bits are few for these weights: run their ops in a wider format", search.format(high)),
        Cause.F16: ("F16 is too narrow or too coarse somewhere: let these ops run in F32", search.format("F16,F32")),
        Cause.BF16: ("BF16 has 8 bits of fraction: let these ops run in F16 or F32", search.format("F16,F32")),
    }
    why, command = reasons[cause]
    return f"most of it is {cause}: {why}\nnext: {command}"
