"""The geometry of windows that slide over a map: padding rules and output sizes of convolutions and pools."""

from __future__ import annotations

from collections.abc import Sequence

from tpuc_core.ir.dialects.base import TensorOp
from tpuc_core.ir.dialects.kinds import one_of

AUTO_PAD = one_of("SAME_UPPER", "SAME_LOWER", "NOTSET", "VALID")


def resolve_pads(op: TensorOp, spatial: Sequence[int]) -> None:
    """Turn the attributes auto_pad and ceil_mode of an op into pads for a map of that size, and drop them."""
    rank = len(spatial)
    if not op.get("pads"):
        op.set(pads=[0] * 2 * rank)
    for name in ("kernel_shape", "strides", "pads"):
        wanted = 2 * rank if name == "pads" else rank
        if len(op.get(name)) != wanted:
            raise op.error(f"{name} {op.get(name)} has {len(op.get(name))} entries where {wanted} are wanted")
    rule = op.get("auto_pad")
    if rule in ("SAME_UPPER", "SAME_LOWER"):
        op.set(pads=_same_pads(op, spatial, more_at_end=rule == "SAME_UPPER"))
    elif rule == "VALID":
        op.set(pads=[0] * 2 * rank)
    if "ceil_mode" in op.kinds() and op.get("ceil_mode"):
        op.set(pads=_ceiling_pads(op, spatial))
    op.set(**{name: None for name in ("auto_pad", "ceil_mode") if name in op.kinds()})


def window_shape(op: TensorOp, spatial: Sequence[int]) -> list[int]:
    """How often the window of an op fits into a padded map, in every dimension."""
    rank, pads, strides = len(spatial), op.get("pads"), op.get("strides")
    extents = _extents(op)
    sizes = [(n + pads[i] + pads[i + rank] - extents[i]) // strides[i] + 1 for i, n in enumerate(spatial)]
    if min(sizes) < 1:
        raise op.error(f"a window of {extents} does not fit a map of {list(spatial)} with pads {pads}")
    return sizes


def _extents(op: TensorOp) -> list[int]:
    """The size of the window with the gaps of dilation."""
    kernel = op.get("kernel_shape")
    dilations = (op.get("dilations") if "dilations" in op.kinds() else None) or [1] * len(kernel)
    return [dilation * (size - 1) + 1 for size, dilation in zip(kernel, dilations)]


def _same_pads(op: TensorOp, spatial: Sequence[int], *, more_at_end: bool) -> list[int]:
    """Pads that make the output as large as the input over the stride."""
    strides, begin, end = op.get("strides"), [], []
    for i, (n, extent) in enumerate(zip(spatial, _extents(op))):
        total = max(((n + strides[i] - 1) // strides[i] - 1) * strides[i] + extent - n, 0)
        small, large = total // 2, total - total // 2
        begin.append(small if more_at_end else large)
        end.append(large if more_at_end else small)
    return begin + end


def _ceiling_pads(op: TensorOp, spatial: Sequence[int]) -> list[int]:
    """Pads whose end is grown so that the last window, which hangs over the edge, fits.

    A window that would start in the padding behind the map does not count.
    """
    rank, pads, strides, extents = len(spatial), op.get("pads"), op.get("strides"), _extents(op)
    for i, n in enumerate(spatial):
        room = n + pads[i] + pads[i + rank] - extents[i]
        count = -(-room // strides[i]) + 1
        if (count - 1) * strides[i] >= n + pads[i]:
            count -= 1
        pads[i + rank] = max(pads[i + rank], (count - 1) * strides[i] + extents[i] - n - pads[i])
    return pads
