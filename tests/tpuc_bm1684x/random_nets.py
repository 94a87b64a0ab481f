"""Random small nets: branches, broadcasts, strides, one tensor in several roles, several outputs."""

from __future__ import annotations

import random
from math import prod

from nets import Net
from xdsl.ir import SSAValue

from tpuc_core.ir import shape_of

FUNCTIONS = ["Relu", "Sigmoid", "SiLU", "Tanh", "HardSwish", "Abs"]
WINDOWS = [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 1, 0)]
MOST_ELEMENTS = 40000


class RandomNet(Net):
    """A net of 3 to 9 random ops. `outputs`: some of its tensors; `cuts`: ways to cut its groups."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        images = self.random.choice([1, 2, 3])
        super().__init__((images, self.random.choice([1, 3, 8, 65]), self.random.randint(4, 17), self.random.randint(4, 17)), seed=seed)
        while len(self.values) < 2:
            for _ in range(self.random.randint(3, 9)):
                self.append()
        self.outputs = [self.values[-1], *(v for v in self.values[1:-1] if self.random.random() < 0.25)]
        self.cuts = [(self.random.randint(1, images), self.random.randint(1, 6)) for _ in range(2)]

    def append(self) -> None:
        """One more op, if the one that is drawn fits."""
        x = self.random.choice(self.values[-3:])
        makers = [self.convolution, self.convolution, self.depthwise, self.pool, self.mean, self.function, self.binary, self.constant, self.permute, self.concat]
        if prod(shape_of(x)) * 4 < MOST_ELEMENTS:
            makers += [self.upsample, self.deconvolution]
        self.random.choice(makers)(x)

    def number(self) -> int:
        """Makes names of weights unique."""
        return len(list(self.block.ops))

    def convolution(self, x: SSAValue) -> None:
        kernel = self.random.choice([1, 2, 3, 5])
        pad = self.random.randint(0, kernel // 2)
        if min(shape_of(x)[2:]) + 2 * pad >= kernel:
            self.conv(x, self.random.choice([1, 4, 8, 65]), kernel, pad=pad, stride=self.random.choice([1, 1, 2, 3]), relu=self.random.random() < 0.5,
                      bias=self.random.random() < 0.8)

    def depthwise(self, x: SSAValue) -> None:
        self.conv(x, shape_of(x)[1], 3, pad=1, stride=self.random.choice([1, 2]), group=shape_of(x)[1])

    def pool(self, x: SSAValue) -> None:
        kernel, stride, pad = self.random.choice(WINDOWS)
        if min(shape_of(x)[2:]) >= 3:
            size = [(v + 2 * pad - kernel) // stride + 1 for v in shape_of(x)[2:]]
            self.op(self.random.choice(["MaxPool", "AvgPool"]), [x], (*shape_of(x)[:2], *size), kernel_shape=[kernel] * 2, strides=[stride] * 2,
                    pads=[pad] * 4, count_include_pad=self.random.random() < 0.5)

    def mean(self, x: SSAValue) -> None:
        self.op("AvgPool", [x], (*shape_of(x)[:2], 1, 1), kernel_shape=list(shape_of(x)[2:]), strides=[1, 1], pads=[0] * 4)

    def function(self, x: SSAValue) -> None:
        self.op(self.random.choice(FUNCTIONS), [x], shape_of(x))

    def binary(self, x: SSAValue) -> None:
        fitting = [v for v in self.values if all(b in (1, a) for a, b in zip(shape_of(x), shape_of(v)))]
        kind, pair = self.random.choice(["Add", "Mul", "Sub", "Max", "Min"]), [x, self.random.choice(fitting)]
        self.random.shuffle(pair)
        self.op(kind, pair, shape_of(x), **({"do_relu": self.random.random() < 0.4} if kind in ("Add", "Mul", "Sub") else {}))

    def constant(self, x: SSAValue) -> None:
        _, c, h, w = shape_of(x)
        if self.random.random() < 0.5:
            self.op("Add", [x, self.weight(f"c{self.number()}", self.random.choice([(1,), (1, c, 1, 1), (1, 1, h, w)]))], shape_of(x))
        else:
            self.op("PRelu", [x, self.weight(f"c{self.number()}", (1, c, 1, 1))], shape_of(x))

    def permute(self, x: SSAValue) -> None:
        self.op("Permute", [x], [shape_of(x)[i] for i in (0, 2, 3, 1)], order=[0, 2, 3, 1])

    def concat(self, x: SSAValue) -> None:
        n, c, h, w = shape_of(x)
        self.op("Concat", [x, x], (n, 2 * c, h, w), axis=1)

    def upsample(self, x: SSAValue) -> None:
        n, c, h, w = shape_of(x)
        self.op("Upsample", [x], (n, c, 2 * h, 2 * w), scale_h=2, scale_w=2)

    def deconvolution(self, x: SSAValue) -> None:
        n, c, h, w = shape_of(x)
        weights = [self.weight(f"d{self.number()}", (5, c, 3, 3), 0.2), self.weight(f"e{self.number()}", (5,))]
        self.op("Deconv", [x, *weights], (n, 5, 2 * h, 2 * w), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 0], dilations=[1, 1], group=1)
