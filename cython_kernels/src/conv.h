/* Convolution: see docs/isa, CONV. Tensors are contiguous n, c, h, w. */
#ifndef TPUC_CONV_H
#define TPUC_CONV_H

#include "gemm.h"
#include "gemm_blocked.h"
#include "window.h"

/* 8-bit and 16-bit integers are enlarged to int16. */
typedef enum { FROM_I8, FROM_U8, FROM_I16 } integer_kind;

/* packed: gemm_f32_pack of [oc, c * kernel_h * kernel_w]; bias [oc] or NULL; old and result [n, oc, out_h, out_w];
   pads and inserts: a value for each input channel. */
int conv_f32(const window *win, const float *input, const float *packed, int64_t oc, const float *bias, const float *old,
             const float *pads, const float *inserts, float *result, run_options run);

/* packed: gemm_int_pack of [oc, c, kernel_h * kernel_w]. `finish` says what becomes of the sums. */
int conv_int(const window *win, const void *input, integer_kind kind, const int32_t *packed, int64_t oc,
             const int16_t *pads, const int16_t *inserts, const gemm_finish *finish, run_options run);

/* f16 and bf16 operands, widened. weights: [oc, depth] in the order groups of 32 channels, kernel
   rows and columns, channels of the group; old: f32. */
int conv_blocked(const window *win, const float *input, const float *weights, int64_t oc, const float *bias, const float *old,
                 const float *pads, const float *inserts, float_kind kind, void *result, run_options run);

#endif
