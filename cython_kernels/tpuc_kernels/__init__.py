"""The arithmetic of the chip on arrays, bit for bit as docs/isa says. Knows no IR."""
import os

# Threads that wait for each other sleep: spinning ones starve their neighbours on a busy machine. Read when OpenMP is loaded, below.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from tpuc_kernels.dispatch import get_threads, set_simd, set_threads

# OpenMP's threads do not exist in a forked child, and it would wait for them.
os.register_at_fork(after_in_child=lambda: set_threads(1))

__all__ = ["get_threads", "set_simd", "set_threads"]
