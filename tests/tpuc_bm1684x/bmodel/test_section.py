from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tpuc_bm1684x.bmodel.section import HEAD, MAGIC, Section, decode_section, encode_section

from tpuc_core.errors import TpucError

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
sections = st.builds(
    Section,
    st.dictionaries(st.text(), json_values, max_size=4),
    st.dictionaries(st.text(), st.binary(max_size=9), max_size=3),
)


@given(sections)
def test_decoding_gives_what_was_encoded(section: Section) -> None:
    assert decode_section(encode_section(section)) == section


def test_order_of_keys_does_not_matter() -> None:
    first = Section({"a": 1, "b": 2}, {"x": b"1", "y": b"2"})
    second = Section({"b": 2, "a": 1}, {"y": b"2", "x": b"1"})
    assert encode_section(first) == encode_section(second)


def test_another_tool_s_data_is_no_section() -> None:
    assert decode_section(b'[{"opcode": "top.Conv"}]') is None
    assert decode_section(b"") is None


@pytest.mark.parametrize("cut", [3, 9, 30])
def test_a_cut_section_is_damaged(cut: int) -> None:
    data = encode_section(Section({"name": "net"}, {"blob": b"0123456789"}))
    with pytest.raises(TpucError, match="damaged"):
        decode_section(data[:-cut])


def test_a_newer_layout_is_refused() -> None:
    with pytest.raises(TpucError, match="has layout 9"):
        decode_section(HEAD.pack(MAGIC, 9, 0))


def test_the_certificate_can_be_put_in_and_taken_out() -> None:
    section = Section({"name": "net"})
    certified = section.with_certificate({"holds": True})
    assert certified.certificate == {"holds": True}
    assert certified.without_certificate() == section
