/* f32 operations in blocks, and the chip's reciprocal square root. Call in flushing mode. */
#ifndef TPUC_CHIP_FLOAT_H
#define TPUC_CHIP_FLOAT_H

#include <math.h>

#include "grid.h"
#include "ordered_float.h"
#include "rounding.h"

#define RSQRT_START 0x5f3759df /* the well-known first guess, from the bits of the number */

ALWAYS_INLINE float multiply(float a, float b, int is_careful)
{
    return is_careful ? ordered_mul(a, b) : a * b;
}

/* A product of bf16 is rounded to 8 bits before it is held against the least normal number: just below, it becomes that
   number, where the rounding of f32 already makes it zero. */
ALWAYS_INLINE float multiply_bfloat(float a, float b, int is_careful)
{
    const float least = 0x1p-126f, scale = 0x1p64f, half_below_least = 0x1.ffp-127f * 0x1p64f;
    float product = multiply(a, b, is_careful);
    int rounds_to_least = (product == 0) & (fabsf(a * scale * b) >= half_below_least);
    return rounds_to_least ? copysignf(least, product) : product;
}

/* Products of a kind in f32, not yet rounded to the kind; r may be a or b. */
ALWAYS_INLINE void multiply_block(int kind, const float *a, const float *b, float *r, int n, int is_careful)
{
    if (kind == KIND_BF16)
        for (int i = 0; i < n; i++)
            r[i] = multiply_bfloat(a[i], b[i], is_careful);
    else
        for (int i = 0; i < n; i++)
            r[i] = multiply(a[i], b[i], is_careful);
}

ALWAYS_INLINE float add(float a, float b, int is_careful)
{
    return is_careful ? ordered_add(a, b) : a + b;
}

ALWAYS_INLINE float subtract(float a, float b, int is_careful)
{
    return is_careful ? ordered_result(a, b, a - b) : a - b;
}

/* is_careful: NaN operands in the chip's order. Without it a result that is no NaN is right all the same. */
ALWAYS_INLINE float chip_rsqrt(float x, int iterations, int is_careful)
{
    float y = bits_float((uint32_t)(RSQRT_START - ((int32_t)float_bits(x) >> 1)));
    float h = multiply(x, 0.5f, is_careful);
    for (int i = 0; i < iterations; i++)
        y = multiply(y, subtract(1.5f, multiply(multiply(h, y, is_careful), y, is_careful), is_careful), is_careful);
    return y;
}

/* a / b as the chip approximates it. */
ALWAYS_INLINE float chip_divide(float a, float b, int iterations, int is_careful)
{
    uint32_t bits = float_bits(b);
    float y = chip_rsqrt(bits_float(bits & 0x7fffffffu), iterations, is_careful);
    return multiply(multiply(y, y, is_careful), bits_float(float_bits(a) ^ (bits & 0x80000000u)), is_careful);
}

#endif
