"""Ops that are computed beside the chip."""

from __future__ import annotations

from tpuc_bm1684x.host_ops import HOST_OPS
from tpuc_bm1684x.kernels.base import HostKernel, register

for _name in sorted(HOST_OPS):
    register(_name)(HostKernel)
