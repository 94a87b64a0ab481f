"""LSTM and GRU: every result, in both directions, with and without what is optional."""

import pytest
from nets import Net
from tpuc_bm1684x.kernels import recurrent
from xdsl.dialects.builtin import NoneType

from tpuc_core.ir import tensor_type, top

STEPS, BATCH, INPUTS = 4, 2, 10


def recurrent_net(kind, hidden, directions, *, has_more, wants_all, **attributes):
    """A net of one LSTM or GRU, and its results."""
    count, state = 4 if kind == "LSTM" else 3, (directions, BATCH, hidden)
    net = Net((STEPS, BATCH, INPUTS), *([state] if has_more else []))
    weights = [net.weight("w", (directions, count * hidden, INPUTS)), net.weight("r", (directions, count * hidden, hidden))]
    bias = net.weight("b", (directions, 2 * count * hidden)) if has_more else net.none
    states = [net.values[1] if has_more else net.none, net.weight("c", state) if has_more else net.none][: count - 2]
    operands = [net.values[0], *weights, bias, *states, *([net.none] if kind == "LSTM" else [])]
    results = [tensor_type((STEPS, directions, BATCH, hidden)), *[tensor_type(state) if wants_all else NoneType()] * (count - 2)]
    names = ["y", "h", "c"][: len(results)]
    op = getattr(top, f"{kind}Op").make(names, operands, results, hidden_size=hidden, bidirectional=directions == 2, **attributes)
    net.block.add_op(op)
    return net, [value for value in op.results if value.type.name == "tensor"]


@pytest.mark.parametrize("has_more", [False, True])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_results(prove_net, kind, directions, has_more):
    more = {"linear_before_reset": has_more} if kind == "GRU" else {}
    net, results = recurrent_net(kind, 12, directions, has_more=has_more, wants_all=True, **more)
    prove_net(net, "F32", *results)


@pytest.mark.parametrize("hidden", [97, 128])
def test_sizes_of_states(prove_net, hidden):
    net, results = recurrent_net("LSTM", hidden, 1, has_more=True, wants_all=False)
    prove_net(net, "F32", *results)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_matrices_that_do_not_stay_in_local_memory(prove_net, monkeypatch, kind):
    monkeypatch.setattr(recurrent, "KEPT_BYTES", 0)
    net, results = recurrent_net(kind, 20, 1, has_more=True, wants_all=True)
    prove_net(net, "F32", *results)
