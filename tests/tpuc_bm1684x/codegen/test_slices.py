"""Groups cut in images and rows, and tensors that several ops of a group read in different ways."""

import pytest
from nets import Net

pytestmark = pytest.mark.parametrize("mode", ["F32", "F16", "BF16", "INT8"])
HALO = (1, 8, 24, 20)


def test_a_sum_reads_fewer_rows_than_the_convolution_beside_it(prove_net, mode):
    net = Net(HALO)
    x = net.conv(net.values[0], 8, 3, pad=1, relu=True)
    net.op("Add", [net.conv(x, 8, 3, pad=1), x], HALO, do_relu=True)
    assert any(hsecs == 4 and ops > 1 for _, hsecs, ops in prove_net(net, mode, cuts=[(1, 4)]))


def test_functions_and_casts_read_fewer_rows_than_the_convolution_beside_them(prove_net, mode):
    net = Net(HALO)
    x = net.conv(net.values[0], 8, 3, pad=1)
    gate = net.op("Sigmoid", [x], HALO)
    y = net.op("Mul", [net.conv(x, 8, 3, pad=1), gate], HALO)
    assert any(hsecs == 4 and ops > 1 for _, hsecs, ops in prove_net(net, mode, x, y, cuts=[(1, 4)]))


@pytest.mark.parametrize(("kernel", "stride", "height"), [(1, 2, 24), (2, 3, 25), (3, 2, 23)])
def test_rows_that_nothing_reads_are_computed_too(prove_net, mode, kernel, stride, height):
    net = Net((1, 8, height, 20))
    net.conv(net.conv(net.values[0], 8, 3, pad=1), 8, kernel, stride=stride)
    assert (1, 3) in {cut[:2] for cut in prove_net(net, mode, cuts=[(1, 3)])}


def test_a_mean_over_all_rows_scales_slices(prove_net, mode):
    net = Net(HALO)
    x = net.conv(net.values[0], 8, 3, pad=1)
    mean = net.op("AvgPool", [x], (1, 8, 1, 1), kernel_shape=[24, 20], strides=[1, 1], pads=[0, 0, 0, 0])
    net.op("Mul", [x, net.op("Sigmoid", [net.conv(mean, 8, 1)], (1, 8, 1, 1))], HALO)
    prove_net(net, mode, cuts=[(1, 4)])


@pytest.mark.parametrize("first", ["Conv", "Relu"])
def test_one_channel_that_one_op_reads_in_lane_0_and_another_in_all(prove_net, mode, first):
    net = Net((2, 1, 10, 10), (2, 70, 10, 10))
    x, wide = net.values
    y = net.conv(x, 70, 3, pad=1) if first == "Conv" else net.op("Relu", [x], (2, 1, 10, 10))
    z = net.op("Mul", [wide, x], (2, 70, 10, 10))
    prove_net(net, mode, y, z)


def test_outputs_of_different_heights(prove_net, mode):
    net = Net((2, 8, 24, 20))
    x = net.conv(net.values[0], 8, 3, pad=1)
    y = net.conv(x, 8, 3, pad=1, stride=2)
    z = net.conv(y, 8, 3, pad=1)
    assert (2, 5) in {cut[:2] for cut in prove_net(net, mode, x, z, y, cuts=[(2, 5)])}


@pytest.mark.parametrize("kind", ["Upsample", "Deconv"])
def test_growing_in_the_middle(prove_net, mode, kind):
    net = Net((1, 8, 12, 10))
    x = net.conv(net.values[0], 8, 3, pad=1)
    if kind == "Upsample":
        x = net.op("Upsample", [x], HALO, scale_h=2, scale_w=2)
    else:
        x = net.op("Deconv", [x, net.weight("w", (8, 8, 3, 3), 0.1), net.weight("b", (8,))], HALO, kernel_shape=[3, 3], strides=[2, 2],
                   pads=[1, 1, 0, 0], dilations=[1, 1], group=1)
    net.conv(x, 8, 3, pad=1)
    prove_net(net, mode, cuts=[(1, 5)])


def test_an_average_that_leaves_padding_out(prove_net, mode):
    net = Net(HALO)
    x = net.conv(net.values[0], 8, 3, pad=1)
    net.op("AvgPool", [x], HALO, kernel_shape=[3, 3], strides=[1, 1], pads=[1] * 4, count_include_pad=False)
    prove_net(net, mode, cuts=[(1, 5)])


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_an_operand_of_one_channel_row_or_column_made_in_the_group(prove_net, mode, axis):
    net = Net((3, 8, 6, 7))
    kernel = {1: (1, 1), 2: (6, 1), 3: (1, 7)}[axis]
    shape = tuple(1 if i == axis else size for i, size in enumerate((3, 8, 6, 7)))
    if axis == 1:
        part = net.conv(net.values[0], 1, 1)
    else:
        part = net.op("AvgPool", [net.values[0]], shape, kernel_shape=list(kernel), strides=[1, 1], pads=[0] * 4)
    net.op("Mul", [net.values[0], part], (3, 8, 6, 7))
    prove_net(net, mode, cuts=[(2, 3)])


def test_two_operands_broadcast_each_other(prove_net, mode):
    net = Net((1, 8, 6, 1), (1, 8, 1, 7))
    a, b = (net.op("Relu", [x], shape) for x, shape in zip(list(net.values), [(1, 8, 6, 1), (1, 8, 1, 7)]))
    net.op("Add", [a, b], (1, 8, 6, 7))
    prove_net(net, mode, cuts=[(1, 2)])


def test_chunks_of_filters_with_slices_of_images(prove_net, mode):
    net = Net((3, 600, 3, 3))
    net.conv(net.conv(net.values[0], 450, 3, pad=1), 60, 3, pad=1)
    prove_net(net, mode, cuts=[(2, 1)])
