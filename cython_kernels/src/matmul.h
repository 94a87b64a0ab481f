/* Matrix multiply: left [rows, depth] is packed, right [depth, columns] and the result are row by row. */
#ifndef TPUC_MATMUL_H
#define TPUC_MATMUL_H

#include "conv.h"

/* bias [columns], old [rows, columns]: or NULL. See gemm_f32_run for the order of the sums. */
int matmul_f32(const float *packed, const float *right, int64_t rows, int64_t depth, int64_t columns, const float *bias,
               const float *old, float *result, run_options run);

/* f16 and bf16 operands, widened: the block adder over k in blocks of 32. */
int matmul_blocked(const float *left, const float *right, int64_t rows, int64_t depth, int64_t columns, const float *old,
                   float_kind kind, void *result, run_options run);

#endif
