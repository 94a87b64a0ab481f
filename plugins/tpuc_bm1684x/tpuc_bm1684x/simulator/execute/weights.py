"""Weights in local memory, in the order that the kernels want; made again only when the bytes have changed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tpuc_kernels import conv
from tpuc_kernels.conv import PackedWeights

from tpuc_bm1684x.isa.kinds import ElementType
from tpuc_bm1684x.simulator.execute.binding import Context
from tpuc_bm1684x.simulator.execute.operands import LocalTensor, constant

INPUT_CHANNELS_TOGETHER = {ElementType.I8: 64, ElementType.F32: 1, ElementType.F16: 32, ElementType.BF16: 32}
"""Input channels of a kernel position that lie next to each other."""


class Weights:
    """The weights [oc, ic, kh, kw] of a convolution. An output channel lies in one lane: groups of input channels, then
    kernel rows and columns, then the channels of the group; the last group is filled up."""

    def __init__(self, context: Context, dtype: np.dtype):
        kind = ElementType(context["opd0_prec"])
        together = INPUT_CHANNELS_TOGETHER[kind]
        self.shape = oc, ic, kh, kw = context["res0_c"], context["opd0_c"], context["opd1_h"], context["opd1_w"]
        self.blocks = -(-ic // together), kh, kw, together
        slot = self.blocks[0] * kh * kw * together
        self.tensor = LocalTensor(
            context.memory, "opd1", context["opd1_addr"], (1, oc, 1, slot), (0, slot, slot, 1), dtype
        )

    def load(self) -> np.ndarray:
        """The bytes as they lie: [1, oc, 1, elements of an output channel]."""
        return self.tensor.load()

    def ordered(self, raw: np.ndarray) -> np.ndarray:
        """Loaded bytes as [oc, ic, kh, kw]."""
        oc, ic, kh, kw = self.shape
        groups, _, _, together = self.blocks
        blocks = raw.reshape(oc, groups, kh, kw, together).transpose(0, 1, 4, 2, 3)
        return np.ascontiguousarray(blocks.reshape(oc, groups * together, kh, kw)[:, :ic])


class ConstantWeights:
    """All weights are one constant."""

    def __init__(self, context: Context, dtype: np.dtype):
        self.shape = context["res0_c"], context["opd0_c"], context["opd1_h"], context["opd1_w"]
        self.array = np.full(self.shape, constant(context["opd1_addr"], dtype), dtype)

    def load(self) -> np.ndarray:
        """The weights."""
        return self.array

    def ordered(self, raw: np.ndarray) -> np.ndarray:
        """They are."""
        return raw


class PackedCache:
    """Packed weights, together with what they were packed from."""

    def __init__(self, weights: Weights | ConstantWeights, pack: Callable[[np.ndarray], PackedWeights]):
        self.weights, self.pack = weights, pack
        self.raw: np.ndarray | None = None
        self.packed: PackedWeights | None = None

    def get(self) -> PackedWeights:
        """The weights that are in memory now."""
        raw = self.weights.load()
        if self.raw is None or not same_bytes(raw, self.raw):
            self.raw, self.packed = raw, self.pack(self.weights.ordered(raw))
        return self.packed


def same_bytes(a: np.ndarray, b: np.ndarray) -> bool:
    """True for equal bits, NaN included. Arrays of one shape and dtype."""
    wide = "u8" if a.nbytes % 8 == 0 else "u1"
    return a is b or bool((a.reshape(-1).view(wide) == b.reshape(-1).view(wide)).all())


def float_weights(context: Context) -> Callable[[], PackedWeights]:
    """Weights of a float convolution."""
    kind, rotate = ElementType(context["opd0_prec"]), bool(context["kernel_rotate"])
    weights = (ConstantWeights if context["opd1_const"] else Weights)(context, kind.numpy())
    pack = getattr(conv, f"pack_{kind.name.lower()}")
    return PackedCache(weights, lambda array: pack(array, rotate)).get


def integer_weights(context: Context, zero_point: Callable[[], np.ndarray]) -> Callable[[], PackedWeights]:
    """Weights of an int8 convolution, less their zero point."""
    rotate, dtype = bool(context["kernel_rotate"]), np.dtype(np.int8 if context["opd1_sign"] else np.uint8)
    weights = (ConstantWeights if context["opd1_const"] else Weights)(context, dtype)
    latest = [zero_point()]
    cache = PackedCache(
        weights,
        lambda array: conv.pack_int8(array, latest[0].reshape(-1) if latest[0].size > 1 else latest[0].item(), rotate),
    )

    def get() -> PackedWeights:
        now = zero_point()
        if not np.array_equal(now, latest[0]):
            latest[0], cache.raw = now, None
        return cache.get()

    return get
