"""Random windows (kernel, stride, dilation, insert, pads) for tests of convolution and pooling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class RandomWindow:
    """Sizes as the keywords of tpuc_kernels.conv and .pool name them; out is the result's (h, w)."""

    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    insert: tuple[int, int]
    pads: tuple[int, int, int, int]
    pad_mode: int
    out: tuple[int, int]

    def keywords(self) -> dict[str, object]:
        """The common keyword arguments."""
        return {"stride": self.stride, "dilation": self.dilation, "insert": self.insert, "pads": self.pads,
                "pad_mode": self.pad_mode}

    def fields(self) -> dict[str, int]:
        """The fields of CONV, sCONV, PorD, sPorD."""
        names = ("res0_h", "res0_w", "opd0_h", "opd0_w", "opd1_h", "opd1_w", "res_op_y_str", "res_op_x_str", "opd0_up_pad",
                 "opd0_dn_pad", "opd0_lf_pad", "opd0_rt_pad", "opd0_y_ins0", "opd0_x_ins0", "pad_mode")
        values = (*self.out, *self.size, *self.kernel, *self.stride, *self.pads, *self.insert, self.pad_mode)
        return dict(zip(names, values, strict=True)) | {"opd1_y_ins0": self.dilation[0] - 1, "opd1_x_ins0": self.dilation[1] - 1}


def pads_fit(mode: int, size: int, before: int, after: int) -> bool:
    """Whether a pad mode finds its elements: size is the axis with its inserted values."""
    if mode == 1:
        return before <= 2 * size - 2 and after <= size - 1
    return mode != 3 or max(before, after) <= size


def random_window(rng: np.random.Generator, largest: int = 12, most_pad: int = 6) -> RandomWindow:
    """Any window that has a result; simple ones are frequent."""
    while True:
        simple = rng.random() < 0.3

        def few(top: int, simple: bool = simple) -> int:
            return 0 if simple or rng.random() < 0.5 else int(rng.integers(0, top))

        h, w = (int(v) for v in rng.integers(1, largest, 2))
        kh, kw = (int(v) for v in rng.integers(1, 6, 2))
        insert, dilation = (few(4), few(4)), (1 + few(3), 1 + few(3))
        pads = tuple(few(most_pad) for _ in range(4))
        mode = 0 if rng.random() < 0.5 else int(rng.integers(1, 4))
        stride = (1 + few(4), 1 + few(4))
        big = ((h - 1) * (insert[0] + 1) + 1, (w - 1) * (insert[1] + 1) + 1)
        if not (pads_fit(mode, big[0], *pads[:2]) and pads_fit(mode, big[1], *pads[2:])):
            continue
        free = (big[0] + pads[0] + pads[1] - (kh - 1) * dilation[0] - 1, big[1] + pads[2] + pads[3] - (kw - 1) * dilation[1] - 1)
        if min(free) >= 0:
            out = (free[0] // stride[0] + 1, free[1] // stride[1] + 1)
            return RandomWindow((h, w), (kh, kw), stride, dilation, insert, pads, mode, out)


def command_keywords(f: dict[str, int]) -> dict[str, object]:
    """The keyword arguments of tpuc_kernels from the fields of a command."""
    return {"stride": (f["res_op_y_str"], f["res_op_x_str"]), "dilation": (f["opd1_y_ins0"] + 1, f["opd1_x_ins0"] + 1),
            "insert": (f["opd0_y_ins0"], f["opd0_x_ins0"]), "pad_mode": f["pad_mode"],
            "pads": tuple(f[f"opd0_{side}_pad"] for side in ("up", "dn", "lf", "rt"))}


def gather_taps(x: np.ndarray, w: RandomWindow, pad: np.ndarray, insert: np.ndarray) -> np.ndarray:
    """Every element of every window: x [n, c, h, w], pad and insert [c] -> [n, c, kh, kw, oh, ow]."""
    n, c, h, width = x.shape
    iy, ix = w.insert[0] + 1, w.insert[1] + 1
    body = np.broadcast_to(insert[None, :, None, None], (n, c, (h - 1) * iy + 1, (width - 1) * ix + 1)).astype(x.dtype)
    body[:, :, ::iy, ::ix] = x
    sides = ((0, 0), (0, 0), w.pads[:2], w.pads[2:])
    big = np.pad(body, sides, mode=("constant", "reflect", "edge", "wrap")[w.pad_mode])
    if w.pad_mode == 0:
        inside = np.pad(np.ones(body.shape, bool), sides)
        big = np.where(inside, big, pad[None, :, None, None]).astype(x.dtype)
    (oh, ow), (kh, kw) = w.out, w.kernel
    taps = np.empty((n, c, kh, kw, oh, ow), x.dtype)
    for i, j in np.ndindex(kh, kw):
        y0, x0 = i * w.dilation[0], j * w.dilation[1]
        taps[:, :, i, j] = big[:, :, y0 : y0 + (oh - 1) * w.stride[0] + 1 : w.stride[0], x0 : x0 + (ow - 1) * w.stride[1] + 1 : w.stride[1]]
    return taps
