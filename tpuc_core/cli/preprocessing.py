"""The options that describe preprocessing, shared by `transform` and `input`, and the parsing of lists in options."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import isfinite
from typing import Any

import click

from tpuc_core.errors import TpucError


class Numbers(click.ParamType):
    """Numbers with commas between: "123.675,116.28,103.53"."""

    name = "numbers"

    def __init__(self, kind: type):
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            numbers = tuple(self._kind(part) for part in value.strip("[]").split(","))
            if not all(map(isfinite, numbers)):
                raise ValueError(value)
            return numbers
        except ValueError:
            self.fail(f'"{value}" is not a list of numbers with commas between', param, ctx)


class Shapes(click.ParamType):
    """Shapes of inputs: [[1,3,224,224],[1,10]]."""

    name = "shapes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            shapes = json.loads(value)
            shapes = [shapes] if shapes and all(isinstance(dim, int) for dim in shapes) else shapes
            if not all(shapes):
                raise ValueError(value)
            return [[_dim(dim) for dim in shape] for shape in shapes]
        except (ValueError, TypeError):
            self.fail(f'"{value}" is not a list of shapes such as [[1,3,224,224]]', param, ctx)


class NamedNumbers(click.ParamType):
    """Numbers by name: sr=16000,k=3."""

    name = "named numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            pairs = [word.rpartition("=") for word in split_words(value)]
            return {name: float(number) for name, _, number in pairs if name or self.fail(f'"{value}" names nothing', param, ctx)}
        except ValueError:
            self.fail(f'"{value}" is not a list of names and numbers such as sr=16000', param, ctx)


def _dim(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or (value < 1 and value != -1):
        raise ValueError(value)
    return value


def split_words(text: str | None) -> list[str]:
    """Words with commas between."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]


OPTIONS = [
    click.option("--resize_dims", type=Numbers(int), help="Height,width to resize pictures to, before the centre crop to the input's size."),
    click.option("--mean", type=Numbers(float), help="Mean of each channel, subtracted from pixels (0 .. 255).  [default: 0,0,0]"),
    click.option("--scale", type=Numbers(float), help="Factor of each channel, after the mean.  [default: 1,1,1]"),
    click.option("--pixel_format", type=click.Choice(["rgb", "bgr", "gray", "rgba"]), help="Order of channels.  [default: bgr]"),
    click.option("--channel_format", type=click.Choice(["nchw", "nhwc", "none"]), help="Layout of the input.  [default: nchw]"),
    click.option("--keep_aspect_ratio", is_flag=True, default=None, help="Keep the picture's aspect ratio when resizing."),
    click.option("--keep_ratio_mode", type=click.Choice(["letterbox", "short_side_scale"]), help="How to keep it.  [default: letterbox]"),
    click.option("--pad_value", type=click.IntRange(0, 255), help="Pixel value beside a letterboxed picture.  [default: 0]"),
    click.option("--pad_type", type=click.Choice(["normal", "center"]), help="Where it lies: top left, or centred.  [default: center]"),
]
NAMES = ("resize_dims", "mean", "scale", "pixel_format", "channel_format", "keep_aspect_ratio", "keep_ratio_mode", "pad_value", "pad_type")


def preprocessing_options(function: Callable) -> Callable:
    """Adds the options; the command takes them as keyword arguments, None where they were not given."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def given(arguments: dict[str, Any]) -> dict[str, Any]:
    """The preprocessing fields that the user gave, taken out of a command's keyword arguments."""
    fields = {name: arguments.pop(name) for name in NAMES}
    fields = {name: value for name, value in fields.items() if value is not None}
    if len(fields.get("resize_dims", (0, 0))) != 2:
        raise TpucError("--resize_dims wants two numbers: height,width")
    return fields
