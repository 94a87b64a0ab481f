"""Speed of tpuc_kernels on the layers of ResNet18 (224 x 224), INT8 and F32: ms and GMAC/s a layer, and the sum.

    python benchmarks/bench_kernels.py [--threads 1 2] [--repeat 5] [--plain]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tpuc_kernels
from tabulate import tabulate
from tpuc_kernels import conv, matmul, pool


@dataclass(frozen=True)
class Layer:
    """A convolution of a square input, and how often the network has it."""

    name: str
    channels: int
    outputs: int
    size: int
    kernel: int
    stride: int
    count: int

    @property
    def macs(self) -> int:
        """Multiplications of one such layer."""
        return self.channels * self.outputs * self.kernel**2 * ((self.size + self.stride - 1) // self.stride) ** 2


RESNET18 = [
    Layer("conv1", 3, 64, 224, 7, 2, 1),
    Layer("layer1", 64, 64, 56, 3, 1, 4),
    Layer("layer2 first", 64, 128, 56, 3, 2, 1),
    Layer("layer2 downsample", 64, 128, 56, 1, 2, 1),
    Layer("layer2", 128, 128, 28, 3, 1, 3),
    Layer("layer3 first", 128, 256, 28, 3, 2, 1),
    Layer("layer3 downsample", 128, 256, 28, 1, 2, 1),
    Layer("layer3", 256, 256, 14, 3, 1, 3),
    Layer("layer4 first", 256, 512, 14, 3, 2, 1),
    Layer("layer4 downsample", 256, 512, 14, 1, 2, 1),
    Layer("layer4", 512, 512, 7, 3, 1, 3),
]


def best_seconds(compute: Callable[[], object], repeat: int) -> float:
    """The shortest of `repeat` runs after one that warms up."""
    compute()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        compute()
        times.append(time.perf_counter() - start)
    return min(times)


def convolutions(layer: Layer, rng: np.random.Generator) -> dict[str, Callable[[], object]]:
    """The layer in each type, weights packed before."""
    shape, kernel = (1, layer.channels, layer.size, layer.size), (layer.outputs, layer.channels, layer.kernel, layer.kernel)
    keywords = {"stride": (layer.stride,) * 2, "pads": (layer.kernel // 2,) * 4}
    x, w = rng.integers(-128, 128, shape).astype(np.int8), rng.integers(-128, 128, kernel).astype(np.int8)
    xf, bias = rng.standard_normal(shape).astype(np.float32), np.ones(layer.outputs, np.float32)
    packed, packed_f32 = conv.pack_int8(w), conv.pack_f32(rng.standard_normal(kernel).astype(np.float32))
    return {"int8": lambda: conv.conv_int8(x, packed, **keywords), "f32": lambda: conv.conv_f32(xf, packed_f32, bias, **keywords)}


def others(rng: np.random.Generator) -> dict[str, tuple[int, Callable[[], object]]]:
    """Pooling, depthwise, matrix multiply: name -> (multiplications or comparisons, call)."""
    x = rng.standard_normal((1, 64, 112, 112)).astype(np.float32)
    xi, w = (x * 40).clip(-128, 127).astype(np.int8), rng.integers(-128, 128, (64, 3, 3)).astype(np.int8)
    wf, bias = w.astype(np.float32), np.zeros(64, np.int32)
    left, right = rng.standard_normal((1, 512)).astype(np.float32), rng.standard_normal((512, 1000)).astype(np.float32)
    window = {"stride": (2, 2), "pads": (1, 1, 1, 1)}
    same = {"pads": (1, 1, 1, 1)}
    return {
        "maximum 3x3 stride 2 f32": (64 * 56 * 56 * 9, lambda: pool.maximum(x, (3, 3), **window)),
        "maximum 3x3 stride 2 int8": (64 * 56 * 56 * 9, lambda: pool.maximum(xi, (3, 3), **window)),
        "depthwise 3x3 f32": (64 * 112 * 112 * 9, lambda: pool.depthwise_f32(x, wf, **same)),
        "depthwise 3x3 int8": (64 * 112 * 112 * 9, lambda: pool.depthwise_int8(xi, w, bias, **same)),
        "depthwise 3x3 int8, shifted": (64 * 112 * 112 * 9, lambda: pool.depthwise_int8(xi, w, bias, shift=7, result=np.int8, **same)),
        "average 7x7 f32": (64 * 16 * 16 * 49, lambda: pool.average_f32(x, (7, 7), 1 / 49, stride=(7, 7))),
        "mm 1 x 512 x 1000 f32": (512000, lambda: matmul.mm_f32(left, right)),
    }


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--plain", action="store_true", help="the plain C loops instead of the vectorized ones")
    given = parser.parse_args()
    tpuc_kernels.set_simd(not given.plain)
    rng = np.random.default_rng(0)
    for threads in given.threads:
        tpuc_kernels.set_threads(threads)
        rows, total = [], {"int8": 0.0, "f32": 0.0}
        for layer in RESNET18:
            row: list[object] = [layer.name, layer.count, layer.macs / 1e6]
            for kind, compute in convolutions(layer, rng).items():
                seconds = best_seconds(compute, given.repeat)
                total[kind] += seconds * layer.count
                row += [seconds * 1e3, layer.macs / seconds / 1e9]
            rows.append(row)
        macs = sum(layer.macs * layer.count for layer in RESNET18)
        rows.append(["all convolutions", sum(layer.count for layer in RESNET18), macs / 1e6]
                    + [value for seconds in total.values() for value in (seconds * 1e3, macs / seconds / 1e9)])
        print(f"\n{threads} thread{'s' if threads > 1 else ''}")
        print(tabulate(rows, ["layer", "count", "MMAC", "INT8 ms", "GMAC/s", "F32 ms", "GMAC/s"], floatfmt=".2f"))
        seconds = {name: (work, best_seconds(compute, given.repeat)) for name, (work, compute) in others(rng).items()}
        print(tabulate([[name, s * 1e3, work / s / 1e9] for name, (work, s) in seconds.items()], ["other", "ms", "G/s"], floatfmt=".2f"))


if __name__ == "__main__":
    main()
