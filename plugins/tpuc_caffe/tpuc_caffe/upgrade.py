"""Descriptions of old made new: layers with numbers for types become LayerParameter messages."""

from __future__ import annotations

from typing import Any

from tpuc_caffe.schema import message_class

# what is not V1's name with capitals between the words
_TYPES = {
    "ABSVAL": "AbsVal", "ARGMAX": "ArgMax", "BNLL": "BNLL", "HDF5_DATA": "HDF5Data", "HDF5_OUTPUT": "HDF5Output", "LRN": "LRN",
    "MVN": "MVN", "RELU": "ReLU", "SOFTMAX_LOSS": "SoftmaxWithLoss", "TANH": "TanH",
}


def layers_of(net: Any) -> list[Any]:
    """The layers of a NetParameter as LayerParameter messages, without their weights."""
    return [*net.layer, *(upgraded(layer) for layer in net.layers)]


def upgraded(old: Any) -> Any:
    """A V1LayerParameter as a LayerParameter: the fields of the same names, the type as a word."""
    new = message_class("LayerParameter")()
    for field, value in old.ListFields():
        if field.name == "type":
            new.type = type_name(field.enum_type.values_by_number[value].name)
        elif field.name == "blobs" or field.name not in new.DESCRIPTOR.fields_by_name:
            continue
        elif isinstance(value, str):
            setattr(new, field.name, value)
        elif hasattr(value, "extend"):
            getattr(new, field.name).extend(value)
        else:
            getattr(new, field.name).CopyFrom(value)
    return new


def type_name(old: str) -> str:
    """ "INNER_PRODUCT" -> "InnerProduct" """
    return _TYPES.get(old) or "".join(word.capitalize() for word in old.split("_"))
