/* f32 operations in blocks, and the chip's reciprocal square root. Call in flushing mode. */
#ifndef TPUC_CHIP_FLOAT_H
#define TPUC_CHIP_FLOAT_H

#include "ordered_float.h"
#include "rounding.h"

#define RSQRT_START 0x5f3759df /* the well-known first guess, from the bits of the number */

ALWAYS_INLINE float multiply(float a, float b, int is_careful)
{
    return is_careful ? ordered_mul(a, b) : a * b;
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
