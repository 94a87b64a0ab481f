/* Depthwise convolution and pooling: see docs/isa, PorD. Tensors are contiguous n, c, h, w; channels are independent. */
#ifndef TPUC_POOL_H
#define TPUC_POOL_H

#include <stdint.h>

#include "conv.h"
#include "run.h"
#include "window.h"

typedef enum { POOL_DEPTHWISE, POOL_AVERAGE, POOL_MAXIMUM } pool_kind;

typedef struct {
    pool_kind kind;
    const float *weights; /* [c, kernel_h, kernel_w]: depthwise */
    const float *bias;    /* [c]: depthwise */
    float multiplier;     /* average */
    const float *pads, *inserts; /* [c] */
} pool_f32_job;

int pool_f32(const window *win, const pool_f32_job *job, const float *input, float *result, run_options run);

typedef struct {
    pool_kind kind;
    const int16_t *weights; /* [c, kernel_h, kernel_w]: depthwise */
    const int32_t *bias;    /* [c]: depthwise */
    int is_signed;          /* the sum is s32 (average, maximum: the input is signed) */
    int relu;
    int32_t multiplier;     /* average: 0..255 */
    int32_t shift;          /* to the right; average: only when positive */
    int rounding;           /* 0 half even, 1 half away, 2 to zero, 3 down, 4 up, 5 half up, 6 half down, 7 as 3 */
    int bits;               /* of the result: 8, 16 (saturated), 32 */
    const int16_t *pads, *inserts;
} pool_int_job;

int pool_int(const window *win, const pool_int_job *job, const void *input, integer_kind kind, void *result,
             run_options run);

/* f16 and bf16 as bit patterns; weights, bias and multiplier are widened. */
typedef struct {
    pool_kind kind;
    float_kind type;      /* TO_F16 or TO_BF16 */
    const float *weights; /* [c, kernel_h, kernel_w]: depthwise */
    const float *bias;    /* [c]: depthwise */
    float multiplier;     /* average */
    const uint16_t *pads, *inserts; /* [c] */
} pool_half_job;

/* Every product and every sum rounds to the type; a NaN becomes 0x7fff (but a maximum keeps its bits). */
int pool_half(const window *win, const pool_half_job *job, const uint16_t *input, uint16_t *result, run_options run);

#endif
