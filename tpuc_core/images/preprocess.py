"""The preprocessing of one image: decode, resize, crop, normalize, lay out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file


class KeepRatioMode(StrEnum):
    """How an image keeps its aspect ratio: padded to fit inside, or cropped to cover."""

    LETTERBOX = "letterbox"
    SHORT_SIDE_SCALE = "short_side_scale"


class PadType(StrEnum):
    """Where a letterboxed image lies on its canvas."""

    CENTER = "center"
    NORMAL = "normal"


CHANNELS = {"bgr": 3, "rgb": 3, "gray": 1, "rgba": 4}
CHANNEL_FORMATS = ("nchw", "nhwc", "none")


@dataclass(frozen=True)
class Preprocessing:
    """What turns a picture into a network input: y = (pixel - mean) * scale, channels in the order of `pixel_format`.

    resize_dims: (height, width) to resize to before the centre crop to the network's size, which is also the default.
    mean, scale: one value a channel, in the final channel order, rounded to float32 as the IR keeps them.
    """

    resize_dims: tuple[int, int] | None = None
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    scale: tuple[float, ...] = (1.0, 1.0, 1.0)
    pixel_format: str = "bgr"
    channel_format: str = "nchw"
    keep_aspect_ratio: bool = False
    keep_ratio_mode: str = KeepRatioMode.LETTERBOX
    pad_value: int = 0
    pad_type: str = PadType.CENTER

    def __post_init__(self) -> None:
        for field in ("mean", "scale"):
            rounded = tuple(float(np.float32(v)) for v in getattr(self, field))
            object.__setattr__(self, field, rounded)
        if 0.0 in self.scale:
            raise TpucError("a scale of 0 makes all pictures the same: give another one")
        if self.pixel_format not in CHANNELS:
            raise TpucError(f'pixel format "{self.pixel_format}" is not supported; valid: {", ".join(CHANNELS)}')
        for field in ("mean", "scale"):
            count, channels = len(getattr(self, field)), CHANNELS[self.pixel_format]
            if count not in (1, channels, max(channels, CHANNELS["rgb"])):  # the defaults have three, for grey pictures too
                raise TpucError(f"{field} has {count} values where {self.pixel_format} images have {channels} channels")

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> Preprocessing:
        """From the attributes of a `top.Input`, python values by name; what is absent takes its default."""
        known = {name: attributes[name] for name in cls.__dataclass_fields__ if attributes.get(name) is not None}
        for name in ("resize_dims", "mean", "scale"):
            if name in known:
                known[name] = tuple(known[name])
        return cls(**known)

    def attributes(self) -> dict[str, Any]:
        """The attributes for a `top.Input`."""
        return {
            "do_preprocess": True,
            "channel_format": self.channel_format,
            "keep_aspect_ratio": self.keep_aspect_ratio,
            "keep_ratio_mode": str(self.keep_ratio_mode),
            "mean": list(self.mean),
            "pad_type": str(self.pad_type),
            "pad_value": self.pad_value,
            "pixel_format": self.pixel_format,
            "resize_dims": list(self.resize_dims or ()),
            "scale": list(self.scale),
            "yuv_type": "",
        }

    def for_shape(self, shape: Sequence[int]) -> Preprocessing:
        """The same with `resize_dims` filled in: the network's size where nothing larger was asked for."""
        height, width = self.size_of(shape)
        if self.resize_dims is None:
            return replace(self, resize_dims=(height, width))
        if self.resize_dims[0] < height or self.resize_dims[1] < width:
            raise TpucError(f"resize_dims {list(self.resize_dims)} is smaller than the network input {height} x {width}")
        return self

    def size_of(self, shape: Sequence[int]) -> tuple[int, int]:
        """(height, width) of an input shape: [n, c, h, w], [n, h, w, c] for nhwc, or [.., h, w]."""
        height, width = shape[-3:-1] if self.channel_format == "nhwc" and len(shape) == 4 else shape[-2:]
        return int(height), int(width)

    def apply(self, image: str | Path, shape: Sequence[int]) -> np.ndarray:
        """One image file as float32 [1, c, h, w] ([1, h, w, c] for nhwc) for a network input of that shape."""
        return self._normalize(self.pixels(self.read(image), shape))[np.newaxis]

    def pixels(self, picture: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """A picture (`read`) brought to the size of a network input: float32 [h, w, c], grey levels 0 .. 255, BGR(A)."""
        height, width = self.size_of(shape)
        resized = self._resize(picture, *(self.for_shape(shape).resize_dims or (height, width)))
        return self._crop(resized, height, width).astype(np.float32)

    def batch(self, images: Sequence[str | Path], shape: Sequence[int]) -> np.ndarray:
        """Images as an input of `shape`; they are repeated in turn until the batch is full. Raises TpucError."""
        if len(shape) < 2:
            raise TpucError(f"an input of shape {list(shape)} takes no picture")
        count = int(shape[0])
        if not images or count % len(images):
            raise TpucError(f"{len(images)} images do not fill a batch of {count}")
        arrays = [self.apply(image, shape) for image in images]
        batch = np.concatenate(arrays * (count // len(images)))
        if batch.size != np.prod(shape):
            raise TpucError(f"{self.pixel_format} images give {list(batch.shape)}, the network input is {list(shape)}")
        return np.ascontiguousarray(batch.reshape(shape))

    def read(self, image: str | Path) -> np.ndarray:
        """Pixels [h, w, c], uint8, BGR(A); a picture without alpha is opaque, one of greys has them in all three colours."""
        import cv2

        flag = {"gray": cv2.IMREAD_GRAYSCALE, "rgba": cv2.IMREAD_UNCHANGED}.get(self.pixel_format, cv2.IMREAD_COLOR)
        pixels = cv2.imread(str(existing_file(image)), flag)
        if pixels is None:
            raise TpucError(f'"{image}" is not an image')
        pixels = pixels.reshape(*pixels.shape[:2], -1)
        if self.pixel_format == "rgba":
            pixels = _with_alpha(pixels)
        if pixels.shape[2] != CHANNELS[self.pixel_format]:
            raise TpucError(f'"{image}" has {pixels.shape[2]} channels, {self.pixel_format} wants {CHANNELS[self.pixel_format]}')
        return pixels

    def _resize(self, pixels: np.ndarray, height: int, width: int) -> np.ndarray:
        if not self.keep_aspect_ratio:
            return self._scaled(pixels, height, width)
        if self.keep_ratio_mode == KeepRatioMode.LETTERBOX:
            return self._letterbox(pixels, height, width)
        return self._cover(pixels, height, width)

    def _letterbox(self, pixels: np.ndarray, height: int, width: int) -> np.ndarray:
        ratio = min(width / pixels.shape[1], height / pixels.shape[0])
        inner_height, inner_width = max(1, int(pixels.shape[0] * ratio)), max(1, int(pixels.shape[1] * ratio))
        inner = self._scaled(pixels, inner_height, inner_width)
        top, left = 0, 0
        if self.pad_type == PadType.CENTER:
            top, left = (height - inner_height) // 2, (width - inner_width) // 2
        canvas = np.full((height, width, pixels.shape[2]), self.pad_value, np.uint8)
        canvas[top : top + inner_height, left : left + inner_width] = inner
        return canvas

    def _cover(self, pixels: np.ndarray, height: int, width: int) -> np.ndarray:
        """Scaled by the shorter side, and cropped at the centre."""
        ratio = max(width / pixels.shape[1], height / pixels.shape[0])
        full_height = max(height, int(pixels.shape[0] * ratio))
        full_width = max(width, int(pixels.shape[1] * ratio))
        full = self._scaled(pixels, full_height, full_width)
        top, left = (full_height - height) // 2, (full_width - width) // 2
        return full[top : top + height, left : left + width]

    def _scaled(self, pixels: np.ndarray, height: int, width: int) -> np.ndarray:
        return resized(pixels, height, width)

    def _crop(self, pixels: np.ndarray, height: int, width: int) -> np.ndarray:
        """At the centre."""
        top, left = pixels.shape[0] // 2 - height // 2, pixels.shape[1] // 2 - width // 2
        return pixels[top : top + height, left : left + width]

    def _normalize(self, pixels: np.ndarray) -> np.ndarray:
        """Float pixels [h, w, c] in file order to the network's channel order and layout."""
        if self.pixel_format == "rgb":
            pixels = pixels[..., ::-1]
        elif self.pixel_format == "rgba":
            pixels = pixels[..., [2, 1, 0, 3]]
        channels = pixels.shape[-1]
        mean = np.resize(np.array(self.mean, np.float32), channels)
        scale = np.resize(np.array(self.scale, np.float32), channels)
        normalized = (pixels - mean) * scale
        if self.channel_format == "nhwc":
            return np.ascontiguousarray(normalized)
        return np.ascontiguousarray(normalized.transpose(2, 0, 1))


def resized(pixels: np.ndarray, height: int, width: int, interpolation: str = "INTER_LINEAR") -> np.ndarray:
    """Pixels [h, w, c] as [height, width, c]. Raises MemoryError."""
    import cv2

    try:
        scaled = cv2.resize(pixels, (width, height), interpolation=getattr(cv2, interpolation))
    except cv2.error as error:
        if error.code != cv2.Error.StsNoMem:
            raise
        raise MemoryError(f"for a picture of {height} x {width}") from error
    return scaled.reshape(height, width, pixels.shape[2])  # cv2 drops a channel dimension of 1


def _with_alpha(pixels: np.ndarray) -> np.ndarray:
    """[h, w, c] of greys or of BGR, uint8, as BGRA; what has other channels stays."""
    if pixels.shape[2] not in (1, CHANNELS["rgb"]):
        return pixels
    colours = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    return np.concatenate([colours, np.full_like(pixels[..., :1], 255)], axis=2)
