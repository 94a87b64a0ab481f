"""Images to network inputs, as the attributes of `top.Input` say."""

from tpuc_core.images.preprocess import KeepRatioMode, PadType, Preprocessing
from tpuc_core.images.samples import (
    IMAGE_SUFFIXES,
    absolute_sample,
    is_random,
    list_samples,
    load_inputs,
    match_inputs,
    read_image_list,
)

__all__ = [
    "IMAGE_SUFFIXES",
    "KeepRatioMode",
    "PadType",
    "Preprocessing",
    "absolute_sample",
    "is_random",
    "list_samples",
    "load_inputs",
    "match_inputs",
    "read_image_list",
]
