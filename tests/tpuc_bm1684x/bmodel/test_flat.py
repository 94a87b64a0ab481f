from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tpuc_bm1684x.bmodel.flat import (
    BINARY,
    F32,
    I32,
    U8,
    U32,
    U64,
    Damaged,
    FlatReader,
    FlatWriter,
    Struct,
    Table,
    number,
    one,
    text,
    vector,
)

PAIR = Struct((U32, U32))


class Leaf(Table):
    name = text(0, is_required=True)
    sizes = vector(1, U64)


class Root(Table):
    leaf = one(0, Leaf)
    leaves = vector(1, Leaf)
    count = number(2, I32, default=-1)
    scale = number(4, F32, default=1.0)
    code = vector(5, U8)
    data = one(6, BINARY)
    pairs = vector(7, PAIR)


leaves = st.builds(
    lambda name, sizes: Leaf(name=name, sizes=sizes), st.text(), st.lists(st.integers(0, 2**64 - 1), max_size=9)
)
roots = st.fixed_dictionaries(
    {},
    optional={
        "leaf": leaves,
        "leaves": st.lists(leaves, max_size=4),
        "count": st.integers(-(2**31), 2**31 - 1),
        "scale": st.floats(width=32, allow_nan=False),
        "code": st.lists(st.integers(0, 255), max_size=9),
        "data": st.binary(max_size=20),
        "pairs": st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2**32 - 1)), max_size=3),
    },
)


def written(table: Table) -> tuple[bytes, bytes]:
    binary = bytearray()

    def place(data: bytes) -> int:
        binary.extend(data)
        return len(binary) - len(data)

    return FlatWriter(place).root(table), bytes(binary)


def read(data: bytes, binary: bytes) -> Root:
    return FlatReader(data, lambda start, size: binary[start : start + size]).root(Root)


def plain(value: object) -> object:
    if isinstance(value, Table):
        return {name: plain(getattr(value, name)) for name in value.fields}
    return [plain(v) for v in value] if isinstance(value, list) else value


@given(roots)
def test_reading_gives_what_was_written(values: dict) -> None:
    table = Root(**values)
    assert plain(read(*written(table))) == plain(table)


@given(roots)
def test_the_same_table_gives_the_same_bytes(values: dict) -> None:
    assert written(Root(**values)) == written(Root(**values))


@given(roots, st.data())
def test_damaged_bytes_are_read_or_refused(values: dict, data: st.DataObject) -> None:
    flat, binary = written(Root(**values))
    position = data.draw(st.integers(0, len(flat) - 1))
    damaged = flat[:position] + bytes([data.draw(st.integers(0, 255))]) + flat[position + 1 :]
    with contextlib.suppress(Damaged):
        read(damaged, binary)


def test_absent_fields_have_their_defaults() -> None:
    root = read(*written(Root()))
    assert (root.leaf, root.leaves, root.count, root.scale, root.data) == (None, [], -1, 1.0, None)


def test_a_required_field_must_be_there() -> None:
    with pytest.raises(KeyError):
        written(Root(leaf=Leaf()))


def test_a_foreign_field_is_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        Leaf(colour=1)
