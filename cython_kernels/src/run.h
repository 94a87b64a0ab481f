/* How a kernel runs: never a part of its result. */
#ifndef TPUC_RUN_H
#define TPUC_RUN_H

#include <stdint.h>

typedef struct {
    int threads; /* OpenMP threads, at least 1 */
    int simd;    /* 0: plain C, 1: AVX2 */
} run_options;

/* Multiplications (or moved elements, weighed as 16) below which waking other threads costs more than it gains. */
#define SMALL_WORK (1 << 20)
#define WORK_OF_A_MOVE 16

static inline int threads_for(run_options run, int64_t work)
{
    return work < SMALL_WORK ? 1 : run.threads;
}

#define KERNEL_OK 0
#define KERNEL_NO_MEMORY (-1)

#endif
