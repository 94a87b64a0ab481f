# cython: language_level=3
"""Which build of the kernels runs, and on how many threads. Neither changes a result."""
import os

cdef extern from *:
    """
    #if defined(TPUC_HAVE_AVX2)
    static int has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c"); }
    #else
    static int has_avx2(void) { return 0; }
    #endif
    """
    bint has_avx2()

use_avx2 = has_avx2() and os.environ.get("TPUC_KERNELS_SIMD", "1") != "0"
threads = max(1, int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0))))


def set_threads(int count):
    """Let large arrays be computed by `count` threads (1 or more)."""
    global threads
    if count < 1:
        raise ValueError(f"threads: {count}; 1 or more would be right")
    threads = count


def get_threads():
    """The number of threads that large arrays are computed by."""
    return threads


def set_simd(bint enabled):
    """Choose the vectorized build (where the processor has it) or the plain one; returns the choice before."""
    global use_avx2
    before = use_avx2
    use_avx2 = enabled and has_avx2()
    return bool(before)
