/* Requantization and dequantization (the chip's RQDQ instruction). Tensors: result, x, then the parameters named below;
   parameters have one value for every row (a step of 0) or one for every element. */
#ifndef TPUC_REQUANT_H
#define TPUC_REQUANT_H

#include "grid.h"

enum requant_operation {
    REQUANT_INT,   /* sat(shift(x * multiplier i32, shift i8) + zero point i32) */
    REQUANT_FLOAT, /* sat(int(float(x) * scale f32 + offset f32)) */
    DEQUANT_INT,   /* sat(shift((x - zero point i32) * multiplier i32, shift i16)) */
    DEQUANT_FLOAT  /* float(x - zero point i32) * scale f32 */
};

typedef struct {
    int operation;
    int rounding;       /* of the shift; of the integer to float conversion */
    int float_rounding; /* of the float to integer conversion: 0..4 */
    int64_t low, high;  /* saturation */
} requant_options;

DECLARE(void, requant_run, (grid *g, const requant_options *options));
#define REQUANT_RUN(use_avx2, ...) DISPATCH(use_avx2, requant_run)(__VA_ARGS__)

#endif
