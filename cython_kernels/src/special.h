/* The chip's special functions (its SFU instruction). Tensors: result, x. */
#ifndef TPUC_SPECIAL_H
#define TPUC_SPECIAL_H

#include "grid.h"

/* Tensor 2: the first coefficient of each element; the others follow it, one element after another. */
DECLARE(void, taylor_run, (grid *g, int coefficients));
#define TAYLOR_RUN(use_avx2, ...) DISPATCH(use_avx2, taylor_run)(__VA_ARGS__)

DECLARE(void, rsqrt_run, (grid *g, int iterations));
#define RSQRT_RUN(use_avx2, ...) DISPATCH(use_avx2, rsqrt_run)(__VA_ARGS__)

/* The result has the kind of x, or is an integer of its size. */
DECLARE(void, normalize_run, (grid *g));
#define NORMALIZE_RUN(use_avx2, ...) DISPATCH(use_avx2, normalize_run)(__VA_ARGS__)

#endif
