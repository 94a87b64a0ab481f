/* How a kernel runs: never a part of its result. */
#ifndef TPUC_RUN_H
#define TPUC_RUN_H

typedef struct {
    int threads; /* OpenMP threads, at least 1 */
    int simd;    /* 0: plain C, 1: AVX2 */
} run_options;

#define KERNEL_OK 0
#define KERNEL_NO_MEMORY (-1)

#endif
