"""The checker finds a wait that is missing: it must, or its silence proves nothing."""

import pytest
from nets import Net
from tpuc_bm1684x.bmodel import read_bmodel
from tpuc_bm1684x.isa import decode_stream, join_stream
from tpuc_bm1684x.passes.check_waits import check_waits

from tpuc_core.errors import TpucError


@pytest.fixture
def streams(compiled):
    net = Net((1, 16, 20, 20))
    x = net.conv(net.values[0], 70, 3, pad=1, relu=True)
    net.op("Permute", [x], (1, 20, 20, 70), order=[0, 2, 3, 1])
    path, _ = compiled(net.lowered("INT8"))
    group = read_bmodel(path).nets[0].stages[0].groups[0]
    return group.tiu, group.gdma


def without_wait(engine, stream, index):
    """The stream with the wait of one command taken out."""
    commands = decode_stream(engine, stream)[:-1]
    encoded = [type(c).encode(**(c.values() | ({"cmd_id_dep": 0} if i == index else {}))) for i, c in enumerate(commands)]
    return join_stream(engine, encoded)


def test_what_codegen_writes_is_in_order(streams):
    assert check_waits(*streams) >= 0


@pytest.mark.parametrize("engine", ["tiu", "gdma"])
def test_every_first_wait_is_needed(streams, engine):
    tiu, gdma = streams
    stream = tiu if engine == "tiu" else gdma
    waited = [c.values()["cmd_id_dep"] for c in decode_stream(engine, stream)[:-1]]
    first = next(i for i, w in enumerate(waited) if w)
    changed = without_wait(engine, stream, first)
    with pytest.raises(TpucError, match=r"tiu command \d+ and gdma command \d+ touch the same local memory"):
        check_waits(*((changed, gdma) if engine == "tiu" else (tiu, changed)))
