"""Random nets in random cuts: interpreter = simulator, F32 = float evaluation."""

import pytest
from random_nets import RandomNet


@pytest.mark.parametrize("mode", ["F32", "F16", "BF16", "INT8", "INT8_ASYM", "UINT8"])
@pytest.mark.parametrize("seed", range(12))
def test_random_nets(prove_net, mode, seed):
    net = RandomNet(seed)
    prove_net(net, mode, *net.outputs, cuts=net.cuts)
