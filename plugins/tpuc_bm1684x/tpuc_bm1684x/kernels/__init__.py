"""Chip kernels: one class a tpu op, written once against the protocol `Engine`."""

from tpuc_bm1684x.kernels import (  # noqa: F401  (they register themselves)
    active,
    batch_matmul,
    comparison,
    conv2d,
    elementwise,
    host,
    interp,
    movement,
    normalization,
    pool2d,
    prelu,
    recurrent,
    reduce,
    softmax,
    transcendental,
)
from tpuc_bm1684x.kernels.base import (
    KERNELS,
    AliasKernel,
    GlobalKernel,
    HostKernel,
    Kernel,
    LocalKernel,
    Slice,
    kernel_for,
)
from tpuc_core.plugins import load_extensions

load_extensions("bm1684x.kernels")

__all__ = ["KERNELS", "AliasKernel", "GlobalKernel", "HostKernel", "Kernel", "LocalKernel", "Slice", "kernel_for"]
