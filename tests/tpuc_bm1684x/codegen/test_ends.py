"""Nets with unusual inputs, outputs and names: shared, renamed, of few or many axes."""

import pytest
from nets import Net

from tpuc_core.ir import load_model, save_model

pytestmark = pytest.mark.parametrize("mode", ["F32", "F16", "BF16", "INT8"])


def test_one_tensor_twice(prove_net, mode):
    net = Net((2, 66, 5, 7))
    x = net.op("Add", [net.values[0]] * 2, (2, 66, 5, 7))
    x = net.op("Mul", [x, x], (2, 66, 5, 7))
    x = net.op("Max", [x, x], (2, 66, 5, 7))
    net.op("Concat", [x, x, net.values[0]], (2, 198, 5, 7), axis=1)
    prove_net(net, mode)


def test_an_output_that_the_group_reads_on(prove_net, mode):
    net = Net((2, 8, 12, 12))
    x = net.conv(net.values[0], 8, 3, pad=1)
    y = net.conv(x, 8, 3, pad=1)
    prove_net(net, mode, x, net.conv(y, 8, 3, pad=1), y, cuts=[(2, 3)])


def test_outputs_that_are_inputs(prove_net, mode):
    net = Net((2, 8, 3, 4))
    x = net.values[0]
    prove_net(net, mode, net.op("Relu", [x], (2, 8, 3, 4)), x, net.op("Reshape", [x], (2, 96), shape=[2, 96]))


def test_a_net_without_commands(prove_net, mode):
    net = Net((2, 8, 3, 4))
    assert prove_net(net, mode, net.values[0]) == []


def test_two_ops_with_the_same_weights(prove_net, mode):
    net = Net((1, 8, 9, 9))
    weight, bias, x = net.weight("w", (8, 8, 3, 3), 0.1), net.weight("b", (8,)), net.values[0]
    for _ in range(2):
        x = net.op("Conv", [x, weight, bias], (1, 8, 9, 9), kernel_shape=[3, 3], strides=[1, 1], pads=[1] * 4, dilations=[1, 1], group=1)
    prove_net(net, mode)


@pytest.mark.parametrize(("a", "b"), [((), ()), ((9,), (1,)), ((2, 3, 4, 5, 6), (2, 3, 4, 5, 6)), ((2, 3, 4, 5, 6), (1, 5, 6))], ids=str)
def test_any_number_of_axes(prove_net, mode, a, b):
    net = Net(a, b)
    net.op("Relu", [net.op("Add", net.values[:2], a)], a)
    prove_net(net, mode)


def test_a_broadcast_along_the_last_of_five_axes(prove_net, mode):
    net = Net((2, 3, 4, 5, 6), (2, 3, 4, 5, 1))
    net.op("Mul", net.values[:2], (2, 3, 4, 5, 6))
    prove_net(net, mode)


def test_the_final_file_of_several_groups_can_be_read_back(compiled, tmp_path, mode):
    net = Net((1, 8, 9, 9))
    x = net.op("Permute", [net.conv(net.values[0], 8, 3, pad=1)], (1, 9, 9, 8), order=[0, 2, 3, 1])
    x = net.op("Permute", [net.op("Relu", [x], (1, 9, 9, 8))], (1, 8, 9, 9), order=[0, 3, 1, 2])
    y = net.conv(x, 1, 1)
    net.op("Mul", [x, y], (1, 8, 9, 9))
    _, final = compiled(net.lowered(mode))
    save_model(final, tmp_path / "final.mlir")
    assert sum(op.name == "tpu.Group" for op in load_model(tmp_path / "final.mlir").module.walk()) > 3
