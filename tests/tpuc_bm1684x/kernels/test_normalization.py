"""Normalizations over maps, groups, channels and neighbours."""

import pytest
from nets import Net

SHAPE = (2, 12, 5, 6)


@pytest.mark.parametrize("is_affine", [False, True])
@pytest.mark.parametrize(("kind", "attributes"), [("InstanceNorm", {}), ("GroupNorm", {"num_groups": 3}), ("PixelNorm", {})])
def test_standard_deviations(prove_net, kind, attributes, is_affine):
    net = Net(SHAPE)
    constants = [net.weight(name, (12,)) if is_affine else None for name in ("w", "b")]
    net.op(kind, [net.values[0], *constants], SHAPE, eps=1e-5, **attributes)
    prove_net(net, "F32")


@pytest.mark.parametrize("has_gamma", [False, True])
def test_root_mean_square(prove_net, has_gamma):
    net = Net(SHAPE)
    net.op("RMSNorm", [net.values[0], net.weight("g", (6,)) if has_gamma else None], SHAPE, eps=1e-5)
    prove_net(net, "F32")


@pytest.mark.parametrize("is_shared", [False, True])
@pytest.mark.parametrize("across_spatial", [False, True])
def test_lengths(prove_net, across_spatial, is_shared):
    net = Net(SHAPE)
    scale = net.weight("s", (1,) if is_shared else (1, 12))
    net.op("Normalize", [net.values[0], scale], SHAPE, across_spatial=across_spatial, channel_shared=is_shared)
    prove_net(net, "F32")


@pytest.mark.parametrize("size", [3, 4, 5])
def test_neighbouring_channels(prove_net, size):
    net = Net(SHAPE)
    net.op("LRN", [net.values[0]], SHAPE, size=size, alpha=0.3, beta=0.75, bias=1.5)
    prove_net(net, "F32")
