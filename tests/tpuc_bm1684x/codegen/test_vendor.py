"""The vendor's runtime gives the bytes that the simulator gives, and its tools read the final text."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from nets import Net, TestChip, four_precisions, samples
from random_nets import RandomNet
from tpuc_bm1684x.lowering import lower
from tpuc_bm1684x.simulator.simulator import Simulator
from tpuc_bmrt.session import BmrtSession
from tpuc_float16.quantizer import plan_float16
from tpuc_int8.quantizer import plan_int8

from tpuc_core.ir import save_model

VENDOR = Path(os.environ.get("TPUC_VENDOR") or Path.home() / ".cache" / "tpuc-vendor")
MODES = ["F32", "F16", "BF16", "INT8", "INT8_ASYM", "UINT8"]
pytestmark = [
    pytest.mark.vendor,
    pytest.mark.skipif(not (VENDOR / "bin" / "tpuc-opt").exists(), reason="the vendor's tools are not installed: run `make vendor`"),
]


@pytest.fixture
def same_in_runtime(compiled):
    """Compiles a model and compares its outputs."""

    def run(model) -> None:
        path, _ = compiled(model)
        inputs = samples(model)
        wanted = Simulator(path).run(inputs, dequantize=False)
        with BmrtSession(path) as session:
            found = session.run(inputs, dequantize=False)
        assert all(found[name].tobytes() == array.tobytes() for name, array in wanted.items())

    return run


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(3))
def test_random_nets(same_in_runtime, mode, seed):
    net = RandomNet(seed)
    same_in_runtime(net.lowered(mode, *net.outputs))


@pytest.mark.parametrize("mode", MODES)
def test_moves(same_in_runtime, mode):
    net = Net((2, 3, 4, 220))
    x = net.op("Slice", [net.values[0], None, None, None], (2, 3, 4, 2), offset=[0, 0, 0, 1], steps=[1, 1, 1, 150], ends=[2, 3, 4, 220])
    x = net.op("Tile", [net.op("Permute", [x], (2, 4, 3, 2), order=[3, 2, 1, 0]), None], (2, 4, 3, 10), tile=[1, 1, 1, 5])
    net.op("Concat", [x, net.weight("c", (2, 1, 3, 10))], (2, 5, 3, 10), axis=1)
    same_in_runtime(net.lowered(mode))


@pytest.mark.parametrize("mode", ["F16", "BF16"])
def test_what_16_bit_ops_compute_in_f32(same_in_runtime, mode):
    net = Net((2, 12, 32), (2, 32, 20))
    x = net.op("LayerNorm", [net.values[0], net.weight("g", (32,)), net.weight("b", (32,))], (2, 12, 32), axis=2, eps=1e-5, normalized_shape=[32])
    x = net.op("MatMul", [x, net.values[1], None], (2, 12, 20))
    y = net.op("Softmax", [x], (2, 12, 20), axis=2)
    y = net.op("Div", [y, net.op("AddConst", [net.op("Sigmoid", [x], (2, 12, 20))], (2, 12, 20), const_val=0.5)], (2, 12, 20))
    y = net.op("Reshape", [net.op("GELU", [y], (2, 12, 20))], (2, 12, 4, 5), shape=[2, 12, 4, 5])
    z = net.op("AvgPool", [net.conv(y, 12, 3, pad=1, group=12)], (2, 12, 1, 1), kernel_shape=[4, 5], strides=[1, 1], pads=[0] * 4)
    net.op("Reduce", [y], (2, 1, 4, 5), axes=[1], keepdims=True, mode="ReduceL2")
    same_in_runtime(net.lowered(mode, z, net.values[-1]))


@pytest.mark.parametrize("mode", ["F16", "BF16", "INT8"])
def test_casts_between_all_precisions(same_in_runtime, mode):
    net = Net((1, 8, 9, 9))
    model = net.model
    chosen = four_precisions(net)
    model.set_outputs([net.values[-1]])
    net.calibrate()
    plan = plan_int8(model, TestChip(), chosen) if mode == "INT8" else plan_float16(model, TestChip(), mode, chosen)
    same_in_runtime(lower(model, plan))


@pytest.mark.parametrize("mode", MODES)
def test_ends_that_are_one_tensor(same_in_runtime, mode):
    net = Net((2, 8, 3, 4))
    same_in_runtime(net.lowered(mode, net.values[0], net.op("Reshape", [net.values[0]], (2, 96), shape=[2, 96])))


@pytest.mark.parametrize("mode", MODES)
def test_final_text_of_several_groups(compiled, tmp_path, mode):
    net = Net((1, 8, 9, 9))
    x = net.op("Permute", [net.conv(net.values[0], 8, 3, pad=1)], (1, 9, 9, 8), order=[0, 2, 3, 1])
    net.op("Mul", [net.op("Relu", [x], (1, 9, 9, 8)), x], (1, 9, 9, 8))
    _, final = compiled(net.lowered(mode))
    save_model(final, tmp_path / "final.mlir")
    command = [VENDOR / "bin" / "python", VENDOR / "bin" / "tpuc-opt", "final.mlir", "--mlir-disable-threading", "-o", "answer.mlir"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
