"""What turns pictures into the inputs of a file."""

from __future__ import annotations

from dataclasses import replace

from tpuc_core.images import Preprocessing
from tpuc_tflite.graph import Tensor

_NOTHING_SAID = Preprocessing()


def preprocessing_for(tensor: Tensor, asked: Preprocessing) -> Preprocessing | None:
    """The preprocessing of an input; None for one that takes no pictures ([n, h, w, c] with up to four channels do).

    Where neither mean nor scale is said, pixels 0 .. 255 go into a quantized input as they are: its zero point is the mean,
    128 more for signed integers, and its scale the scale.
    """
    if len(tensor.shape) not in (3, 4) or tensor.shape[-1] > 4 or asked.channel_format == "none":
        return None
    is_silent = asked.mean == _NOTHING_SAID.mean and asked.scale == _NOTHING_SAID.scale
    if not tensor.is_quantized or not is_silent or tensor.quantization is None:
        return asked
    mean = tensor.quantization.zero_points[0] + (128 if tensor.dtype == "int8" else 0)
    count = len(asked.mean)
    return replace(asked, mean=(float(mean),) * count, scale=(tensor.quantization.scales[0],) * count)
