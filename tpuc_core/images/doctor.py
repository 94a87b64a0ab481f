"""Is an array the preprocessing of a picture, and if not, what is different?

Size and position of the pixels are found by trying; order of channels, mean and scale need no trying: once the pixels are in place,
every channel of the array is a straight line of one channel of the picture, and the line says them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.images.preprocess import KeepRatioMode, PadType, Preprocessing, resized

INTERPOLATIONS = {"linear": "INTER_LINEAR", "nearest": "INTER_NEAREST", "cubic": "INTER_CUBIC", "area": "INTER_AREA", "lanczos": "INTER_LANCZOS4"}
EQUAL = 0.01
"""Grey levels within which two arrays count as equal: far above the rounding of f32, far below one level."""
UNLIKE = 0.5
"""Squared correlation below which an array has nothing to do with a picture."""
_CONTRAST = 64.0  # standard deviation of the grey levels of a photograph
_A_CHANGE = 1e-3  # grey levels that each changed field must gain
KNOWN_MEANS = ((0.0,), (127.5,), (127.0,), (128.0,), (123.675, 116.28, 103.53), (103.53, 116.28, 123.675), (104.0, 117.0, 123.0))
KNOWN_SCALES = ((1.0,), (1 / 255,), (1 / 127.5,), (1 / 128,), (0.01712475, 0.017507, 0.01742919), (0.01742919, 0.017507, 0.01712475), (0.017,))
"""What networks use, by channel."""


@dataclass(frozen=True)
class Variant(Preprocessing):
    """A preprocessing as other tools may do it: also with another interpolation, and cropped at the top left corner."""

    interpolation: str = "linear"
    crop: str = "center"

    def _scaled(self, pixels: np.ndarray, height: int, width: int) -> np.ndarray:
        return resized(pixels, height, width, INTERPOLATIONS[self.interpolation])

    def _crop(self, pixels: np.ndarray, height: int, width: int) -> np.ndarray:
        return pixels[:height, :width] if self.crop == "top left" else super()._crop(pixels, height, width)


@dataclass(frozen=True)
class Finding:
    """What differs: what the model says, and what the array shows."""

    what: str
    wanted: str
    found: str


@dataclass
class Diagnosis:
    """`difference`: the largest one between the array and the model's preprocessing, in grey levels (None where that cannot be
    known); `findings`: the best explanation; `remaining`: the largest difference that it leaves; `correlation`: squared, of
    the array and the explanation, 0 .. 1."""

    difference: float | None = None
    findings: list[Finding] = field(default_factory=list)
    remaining: float = 0.0
    correlation: float = 1.0

    @property
    def is_equal(self) -> bool:
        return not self.findings and self.remaining <= EQUAL

    @property
    def is_explained(self) -> bool:
        return self.correlation >= UNLIKE


class _Layout(NamedTuple):
    """How the array is read as [h, w, c], and a word for it where it is not the model's way."""

    pixels: np.ndarray
    word: str = ""


def diagnose(array: np.ndarray, picture: str, preprocessing: Preprocessing, shape: Sequence[int]) -> Diagnosis:
    """Compare an array with the model's preprocessing of a picture for an input of `shape`. The first of a batch is looked at.

    Raises TpucError for an array of another size than the input.
    """
    layouts = list(_layouts(array, preprocessing, shape))
    pixels = preprocessing.read(picture)
    wanted = _hwc(preprocessing.apply(picture, shape)[0], preprocessing)
    scale = np.abs(np.resize(np.array(preprocessing.scale, np.float32), wanted.shape[2]))
    difference = float((np.abs(layouts[0].pixels - wanted) / scale).max()) if not layouts[0].word else None
    if difference is not None and difference <= EQUAL:
        return Diagnosis(difference, remaining=difference)
    own = Variant(**{f.name: getattr(preprocessing.for_shape(shape), f.name) for f in fields(Preprocessing)})
    return _best_fit(layouts, own, pixels, shape).diagnosis(difference, own)


def _best_fit(layouts: Sequence[_Layout], own: Variant, picture: np.ndarray, shape: Sequence[int]) -> _Fit:
    """Of all variants, tried from the fewest changes on, until one leaves nothing."""
    best: _Fit | None = None
    for variant in sorted(_variants(own, shape), key=lambda v: len(_changes(layouts[0], v, own))):
        pixels = variant.pixels(picture, shape)
        fits = [_fit(layout, variant, own, pixels) for layout in layouts]
        best = min([*fits, best] if best else fits, key=lambda fit: fit.unexplained + _A_CHANGE * len(fit.changes))
        if best.unexplained <= EQUAL:
            break
    assert best is not None  # the model's own way is a variant
    return best


def _layouts(array: np.ndarray, preprocessing: Preprocessing, shape: Sequence[int]) -> Iterator[_Layout]:
    height, width = preprocessing.size_of(shape)
    size = int(np.prod(shape))
    if array.size != size:
        raise TpucError(f"the array has shape {list(array.shape)}, the model's input {list(shape)}")
    first = np.asarray(array, np.float32).reshape(int(shape[0]), -1)[0]
    channels = first.size // (height * width)
    is_last = preprocessing.channel_format == "nhwc"
    planes, packed = first.reshape(channels, height, width).transpose(1, 2, 0), first.reshape(height, width, channels)
    own, other = (packed, planes) if is_last else (planes, packed)
    is_told = array.ndim == 4 and channels > 1 and array.shape[3 if is_last else 1] != channels
    if not is_told:
        yield _Layout(own)
    if channels > 1:
        yield _Layout(other, "nchw" if is_last else "nhwc")


def _hwc(array: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    return array if preprocessing.channel_format == "nhwc" else array.transpose(1, 2, 0)


def _variants(own: Variant, shape: Sequence[int]) -> Iterator[Variant]:
    """The model's own way first, then others."""
    height, width = own.size_of(shape)
    larger = (round(height * 8 / 7), round(width * 8 / 7))  # 256 for 224, as is common
    sizes = dict.fromkeys([own.resize_dims, (height, width), larger, (256, 256)])
    ways: list[dict[str, Any]] = [
        {"keep_aspect_ratio": False},
        {"keep_aspect_ratio": True, "keep_ratio_mode": KeepRatioMode.SHORT_SIDE_SCALE},
        *({"keep_aspect_ratio": True, "keep_ratio_mode": KeepRatioMode.LETTERBOX, "pad_type": pad} for pad in PadType)]
    yield own
    for size, way, interpolation, crop in itertools.product(sizes, ways, INTERPOLATIONS, ("center", "top left")):
        if size is not None and size[0] >= height and size[1] >= width:
            variant = replace(own, resize_dims=size, interpolation=interpolation, crop=crop, **way)
            if variant != own and (crop == "center" or size != (height, width)):
                yield variant


@dataclass
class _Fit:
    """How well the pixels of a variant explain an array. scale, mean: of each channel of the array; order: the picture's (BGR)
    channel behind each of them; rms and largest: what is left, in grey levels."""

    variant: Variant
    changes: list[Finding]
    order: tuple[int, ...]
    mean: np.ndarray
    scale: np.ndarray
    rms: float
    largest: float
    correlation: float

    @property
    def unexplained(self) -> float:
        """The part of the array that is not a line of the picture, in grey levels of a picture of usual contrast. (Not `rms`: a
        crop of one colour explains everything with a slope of nothing.)"""
        return _CONTRAST * math.sqrt(max(1.0 - self.correlation, 0.0))

    def diagnosis(self, difference: float | None, own: Variant) -> Diagnosis:
        findings = list(self.changes)
        if self.correlation >= UNLIKE:
            slack = max(1e-3, self.rms)
            if not _are_close(self.mean, own.mean, slack, 0.0):
                findings.append(Finding("mean", _numbers(own.mean), _numbers(self.mean, slack)))
            if not _are_close(self.scale, own.scale, 0.0, max(1e-4, self.rms / 64)):
                findings.append(Finding("scale", _numbers(own.scale), _numbers(self.scale)))
        return Diagnosis(difference, findings, self.largest, self.correlation)


def _fit(layout: _Layout, variant: Variant, own: Variant, pixels: np.ndarray) -> _Fit:
    x, p = layout.pixels.reshape(-1, layout.pixels.shape[2]), pixels.reshape(-1, pixels.shape[2])
    if x.shape != p.shape:
        raise TpucError(f"the array has {x.shape[1]} channels, {own.pixel_format} pictures have {p.shape[1]}")
    centred_x, centred_p = x - x.mean(0, dtype=np.float64), p - p.mean(0, dtype=np.float64)
    products = centred_x.T @ centred_p
    spread_x, spread_p = (centred_x**2).sum(0), (centred_p**2).sum(0)
    squares = products**2 / np.maximum(np.outer(spread_x, spread_p), 1e-30)
    straight = tuple(range(x.shape[1]))
    orders = [_own_order(own, straight), _other_order(own, straight)]
    order = max(orders, key=lambda o: sum(squares[i, j] for i, j in enumerate(o)) + (1e-6 if o == orders[0] else 0.0))
    slopes = np.array([products[i, j] / max(spread_p[j], 1e-30) for i, j in enumerate(order)])
    slopes[slopes == 0] = 1.0
    chosen = p[:, list(order)]
    mean = chosen.mean(0, dtype=np.float64) - x.mean(0, dtype=np.float64) / slopes
    left = x / slopes + mean - chosen
    changes = _changes(layout, variant, own)
    if order != orders[0]:
        changes.append(Finding("order of channels", own.pixel_format, {"rgb": "bgr", "bgr": "rgb"}.get(own.pixel_format, "reversed")))
    correlation = float(np.mean([squares[i, j] for i, j in enumerate(order)]))
    return _Fit(variant, changes, order, mean, slopes, float(np.sqrt((left**2).mean())), float(np.abs(left).max()), correlation)


def _own_order(own: Variant, straight: tuple[int, ...]) -> tuple[int, ...]:
    return straight[:3][::-1] + straight[3:] if own.pixel_format in ("rgb", "rgba") else straight


def _other_order(own: Variant, straight: tuple[int, ...]) -> tuple[int, ...]:
    return straight if own.pixel_format in ("rgb", "rgba") else straight[:3][::-1] + straight[3:]


def _changes(layout: _Layout, variant: Variant, own: Variant) -> list[Finding]:
    found = [Finding("layout", own.channel_format, layout.word)] if layout.word else []
    titles = {"resize": _resize_words, "interpolation": lambda v: v.interpolation, "crop": lambda v: v.crop}
    return found + [Finding(title, words(own), words(variant)) for title, words in titles.items() if words(own) != words(variant)]


def _resize_words(variant: Variant) -> str:
    height, width = variant.resize_dims or (0, 0)
    if not variant.keep_aspect_ratio:
        return f"to {height},{width}"
    pad = f", {variant.pad_type}" if variant.keep_ratio_mode == KeepRatioMode.LETTERBOX else ""
    return f"to {height},{width}, {variant.keep_ratio_mode}{pad}"


def _are_close(found: np.ndarray, wanted: Sequence[float], absolute: float, relative: float) -> bool:
    given = np.resize(np.array(wanted), found.size)
    return bool((np.abs(found - given) <= absolute + relative * np.abs(given)).all())


def _numbers(values: Any, slack: float = 0.0) -> str:
    """As many digits as are known; `slack` is the uncertainty of the values where it is more than rounding."""
    digits = 6 if slack < 0.01 else 3
    return ",".join(f"{float(value) if abs(value) > max(slack, 1e-9) else 0.0:.{digits}g}" for value in values)


def grid_diagnosis(array: np.ndarray, preprocessing: Preprocessing, shape: Sequence[int]) -> Diagnosis:
    """What can be said without the picture: whether every value is one of the 256 grey levels under the model's mean and
    scale, and if not, under which known ones."""
    layout, *_ = _layouts(array, preprocessing, shape)
    x = layout.pixels
    own = _off_grid(x, preprocessing.mean, preprocessing.scale)
    if own <= EQUAL:
        return Diagnosis(None, remaining=own)
    means, scales = (tuple(preprocessing.mean), *KNOWN_MEANS), (tuple(preprocessing.scale), *KNOWN_SCALES)
    off = {pair: _off_grid(x, *pair) for pair in itertools.product(means, scales)}
    mean, scale = min(off, key=lambda pair: off[pair])
    if off[mean, scale] > 10 * EQUAL:  # known scales are rounded differently by different tools
        return Diagnosis(None, [Finding("values", "256 grey levels", "something else")], own, 0.0)
    findings = [Finding("mean", _numbers(preprocessing.mean), _numbers(mean)), Finding("scale", _numbers(preprocessing.scale), _numbers(scale))]
    return Diagnosis(None, [f for f in findings if f.wanted != f.found], off[mean, scale])


def _off_grid(x: np.ndarray, mean: Sequence[float], scale: Sequence[float]) -> float:
    """The largest distance of a value to a grey level of 0 .. 255, in grey levels."""
    channels = x.shape[2]
    levels = x / np.resize(np.array(scale, np.float64), channels) + np.resize(np.array(mean, np.float64), channels)
    return float(np.abs(levels - np.clip(np.rint(levels), 0, 255)).max())
