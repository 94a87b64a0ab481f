"""Every declared command form: encoding, decoding, range errors."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tpuc_bm1684x.isa import ALL_FORMS, FORM_BY_NAME
from tpuc_bm1684x.isa.stream import form_at

from tpuc_core.errors import TpucError


@st.composite
def commands(draw):
    """A form and random values for some of its free fields."""
    form = draw(st.sampled_from(ALL_FORMS))
    free = [name for name in form.fields if name not in form.fixed]
    names = draw(st.lists(st.sampled_from(free), unique=True))
    return form, {name: draw(st.integers(form.fields[name].least, form.fields[name].mask)) for name in names}


@given(commands())
@settings(max_examples=300, deadline=None)
def test_a_decoded_command_has_the_values_that_were_encoded(case):
    form, values = case
    data = form.encode(**values)
    command = form.decode(data)
    assert len(data) == form.size_bytes
    for name, value in values.items():
        assert getattr(command, name) == value & form.fields[name].mask
    assert command.to_bytes() == data
    assert command == form(**values)
    row = form.table([data, data])[1]
    assert {name: int(row[name]) for name in form.fields} == command.values()


@pytest.mark.parametrize("form", ALL_FORMS, ids=lambda form: form.form)
def test_fields_lie_inside_the_command_and_do_not_overlap(form):
    used = np.zeros(form.size_bytes * 8, int)
    for field in form.fields.values():
        assert field.position + field.width <= used.size
        used[field.position : field.position + field.width] += 1
    assert used.max() == 1


@pytest.mark.parametrize(
    "form", [f for f in ALL_FORMS if f.form not in ("MM2", "sMM2", "SGL", "sSGL")], ids=lambda f: f.form
)
def test_the_form_of_an_encoded_command_is_found(form):
    assert form_at(form.engine, form.encode()) is form


def test_there_are_all_43_forms():
    assert len(ALL_FORMS) == len(FORM_BY_NAME) == 43


def test_a_value_that_does_not_fit_names_form_field_and_range():
    with pytest.raises(TpucError, match=r"sCONV\.opd0_up_pad = 16 does not fit: 0 to 15"):
        FORM_BY_NAME["sCONV"].encode(opd0_up_pad=16)


def test_an_unknown_field_names_the_near_one():
    with pytest.raises(TpucError, match=r'has no field "opd0_adr".*did you mean "opd0_addr"'):
        FORM_BY_NAME["sAR"].encode(opd0_adr=1)


def test_a_constant_in_an_address_may_be_negative():
    assert FORM_BY_NAME["CONV"].decode(FORM_BY_NAME["CONV"].encode(opd3_addr=-3)).opd3_addr == 2**32 - 3


def test_masks_default_to_all_lanes_and_can_be_cleared():
    form = FORM_BY_NAME["DMA_tensor"]
    assert form.decode(form.encode()).localmem_mask == 2**64 - 1
    assert form.decode(form.encode(localmem_mask=5)).localmem_mask == 5


def test_short_bytes_are_an_error():
    with pytest.raises(TpucError, match="sAR has 64 bytes; there are 63"):
        FORM_BY_NAME["sAR"].decode(bytes(63))


def test_thousands_of_commands_are_encoded_in_milliseconds():
    form = FORM_BY_NAME["sAR"]
    values = dict.fromkeys(list(form.fields)[6:36], 1)
    start = time.perf_counter()
    for _ in range(2000):
        form.encode(**values)
    assert time.perf_counter() - start < 0.5
