"""Tensor types are made of what they say, and say it."""

import pytest

from tpuc_core.errors import TpucError
from tpuc_core.ir import (
    address_of,
    calibration_of,
    quantization_of,
    shape_of,
    storage_of,
    tensor_name,
    tensor_type,
    top,
    with_address,
    with_element,
    with_shape,
)
from tpuc_core.ir.dialects.quant import Uniform, UniformType
from tpuc_core.plan import TensorQuantization


def value(type, names="x"):
    return top.NoneOp.make(names, [], type).results[0]


@pytest.mark.parametrize(
    ("type", "storage"),
    [
        (tensor_type((1,), "f32"), "f32"),
        (tensor_type((1,), "bf16"), "bf16"),
        (tensor_type((1,), "si8"), "i8"),
        (tensor_type((1,), "i8"), "i8"),
        (tensor_type((1,), "ui8"), "u8"),
        (tensor_type((1,), "u16"), "u16"),
        (tensor_type((1,), "i64"), "i64"),
        (tensor_type((1,), calibration=(0, 1)), "f32"),
        (tensor_type((1,), quantization=TensorQuantization(0.5, 0, False)), "u8"),
        (tensor_type((1,), "f16", TensorQuantization(0.5, 3)), "i8"),
    ],
)
def test_storage(type, storage):
    assert storage_of(value(type)) == storage


def test_quantization_and_calibration_come_back():
    quantization = TensorQuantization(0.5, -3, True)
    assert quantization_of(value(tensor_type((2, 3), quantization=quantization))) == quantization
    assert calibration_of(value(tensor_type((2, 3), calibration=(-1.5, 2)))) == (-1.5, 2.0)
    assert quantization_of(value(tensor_type((2,)))) is None
    assert calibration_of(value(tensor_type((2,)))) is None


def test_a_scale_for_every_slice_is_no_single_quantization():
    uniform = UniformType(Uniform("i8", (0.5, 0.25), (0, 0), axis=1))
    with pytest.raises(TpucError, match='"x" has 2 scales where one is wanted'):
        quantization_of(value(tensor_type((2, 2), uniform)))


def test_parts_of_a_type_are_exchanged_alone():
    placed = tensor_type((2, 3), quantization=TensorQuantization(0.5), address=4096)
    assert address_of(value(with_shape(placed, (6,)))) == 4096
    assert quantization_of(value(with_shape(placed, (6,)))) == TensorQuantization(0.5)
    assert (storage_of(value(with_element(placed, "f32"))), address_of(value(with_element(placed, "f32")))) == ("f32", 4096)
    assert address_of(value(with_address(placed, None))) is None


def test_what_is_not_there_is_an_error_with_the_name():
    with pytest.raises(TpucError, match='the shape of "x" is not known; run --shape-infer first'):
        shape_of(value(tensor_type(None)))
    with pytest.raises(TpucError, match='unknown element type "f23"'):
        tensor_type((1,), "f23")
    with pytest.raises(TpucError, match=r'result 0 of a "top.None" has no name'):
        tensor_name(top.NoneOp.create(result_types=[tensor_type((1,))]).results[0])
