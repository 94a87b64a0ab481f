"""The vendor's runtime gives the bytes that the simulator gives: ops of functions, axes, matrices, choices and steps."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from nets import Net, samples
from tpuc_bm1684x.simulator.simulator import Simulator
from tpuc_bmrt.session import BmrtSession

from tests.tpuc_bm1684x.kernels.test_folding import convolution
from tests.tpuc_bm1684x.kernels.test_recurrent import recurrent_net

VENDOR = Path(os.environ.get("TPUC_VENDOR") or Path.home() / ".cache" / "tpuc-vendor")
pytestmark = [
    pytest.mark.vendor,
    pytest.mark.skipif(not (VENDOR / "bin" / "tpuc-opt").exists(), reason="the vendor's tools are not installed: run `make vendor`"),
]
SHAPE = (2, 70, 9, 5)
FUNCTIONS = ["Cos", "Cosh", "Erf", "Floor", "GELU", "Log", "Mish", "Sign", "Sin", "Softplus", "Softsign", "Tan"]


@pytest.fixture
def same_in_runtime(compiled):
    """Compiles a net in a mode and compares its outputs."""

    def run(net: Net, mode: str, *outputs) -> None:
        model = net.lowered(mode, *outputs)
        path, _ = compiled(model)
        inputs = samples(model)
        wanted = Simulator(path).run(inputs, dequantize=False)
        with BmrtSession(path) as session:
            found = session.run(inputs, dequantize=False)
        assert wanted and all(found[name].tobytes() == array.tobytes() for name, array in wanted.items())

    return run


@pytest.mark.parametrize("mode", ["F32", "F16"])
def test_functions(same_in_runtime, mode):
    net = Net(SHAPE)
    same_in_runtime(net, mode, *[net.op(kind, [net.values[0]], SHAPE) for kind in FUNCTIONS])


@pytest.mark.parametrize("mode", ["F32", "BF16"])
def test_axes(same_in_runtime, mode):
    net = Net(SHAPE)
    x = net.values[0]
    outputs = [net.op("Softmax", [x], SHAPE, axis=axis, log=log) for axis, log in ((1, False), (2, True), (3, False))]
    outputs += [net.op("LayerNorm", [x, net.weight("w", (5,)), net.weight("b", (5,))], SHAPE, axis=3, eps=1e-5, normalized_shape=[5])]
    outputs += [net.op("Reduce", [x], (2, 1, 9, 5), mode=mode, axes=[1], keepdims=True) for mode in ("ReduceL2", "ReduceProd", "ReduceMin")]
    outputs += [net.op("InstanceNorm", [x, net.weight("iw", (70,)), net.weight("ib", (70,))], SHAPE, eps=1e-5)]
    same_in_runtime(net, mode, *outputs)


def test_lengths(same_in_runtime):
    net = Net(SHAPE)
    x = net.values[0]
    neighbours = net.op("LRN", [x], SHAPE, size=5, alpha=0.3, beta=0.75, bias=1.5)
    length = net.op("Normalize", [x, net.weight("s", (1, 70))], SHAPE, channel_shared=False)
    same_in_runtime(net, "F32", neighbours, length)


@pytest.mark.parametrize("mode", ["F32", "F16", "INT8", "INT8_ASYM"])
def test_products_of_two_activations(same_in_runtime, mode):
    net = Net((2, 4, 40, 15), (2, 4, 15, 97))
    net.op("MatMul", [*net.values[:2], None], (2, 4, 40, 97))
    same_in_runtime(net, mode)


def test_choices(same_in_runtime):
    net = Net(SHAPE, (70, 1, 1))
    x, row = net.values[:2]
    outputs = [net.op("Compare", [x, row], SHAPE, mode=mode) for mode in ("Equal", "Greater", "LessOrEqual", "Xor")]
    outputs.append(net.op("Where", [outputs[1], x, row], SHAPE))
    same_in_runtime(net, "F32", *outputs)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_steps(same_in_runtime, kind):
    net, results = recurrent_net(kind, 128, 2, has_more=True, wants_all=True)
    same_in_runtime(net, "F32", *results)


@pytest.mark.parametrize("mode", ["F32", "BF16", "INT8"])
def test_convolutions_in_another_form(same_in_runtime, mode):
    net = Net((1, 4, 50, 64))
    convolution(net, net.values[0], 8, [16, 16], strides=[16, 16])
    same_in_runtime(net, mode)


@pytest.mark.parametrize("mode", ["F32", "BF16", "INT8"])
def test_maps_of_other_sizes(same_in_runtime, mode):
    net = Net((1, 70, 6, 5))
    attributes = {"coord_mode": "half_pixel", "scale_h": 2.5, "scale_w": 2.0}
    same_in_runtime(net, mode, *[net.op("Interp", [net.values[0], None], (1, 70, 15, 10), mode=kind, **attributes) for kind in ("linear", "nearest")])


def test_constant_matrices_and_short_pieces(same_in_runtime):
    net = Net((100, 30), (1, 131, 3))
    product = net.op("MatMul", [net.values[0], net.weight("w", (30, 70)), net.weight("b", (70,))], (100, 70))
    pieces = net.op("Concat", [net.values[1], net.values[1]], (1, 131, 6), axis=2)
    same_in_runtime(net, "F32", product, pieces)


@pytest.mark.parametrize("mode", ["F32", "INT8"])
def test_borders_and_views(same_in_runtime, mode):
    net = Net((1, 3, 6, 7), (1, 70000))
    outputs = [net.op("Pad", [net.values[0], None], (1, 4, 10, 12), mode="reflect", paddings=[0, 1, 1, 3, 0, 0, 3, 2], val=0.0)]
    outputs += [net.op("Relu", [net.values[1]], (1, 70000)), net.op("Reverse", [net.values[0]], (1, 3, 6, 7), axis=3)]
    same_in_runtime(net, mode, *outputs)
