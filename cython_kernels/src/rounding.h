/* The chip's rounding of quotients by a power of two. */
#ifndef TPUC_ROUNDING_H
#define TPUC_ROUNDING_H

#include <stdint.h>

enum rounding_mode {
    HALF_TO_EVEN, HALF_AWAY, TO_ZERO, DOWN, UP, HALF_UP, HALF_DOWN, DOWN_TOO /* 7, shifts of requantization only */
};

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* v / 2**bits rounded, 1 <= bits <= 63. The signed shift is written with unsigned ones: those exist as vectors. */
ALWAYS_INLINE int64_t shift_right(int64_t v, int bits, int mode)
{
    const uint64_t top = (uint64_t)1 << 63;
    int64_t quotient = (int64_t)((((uint64_t)v ^ top) >> bits) - (top >> bits));
    int64_t rest = v & (int64_t)(((uint64_t)1 << bits) - 1), half = (int64_t)1 << (bits - 1);
    switch (mode) {
    case HALF_TO_EVEN: return quotient + (rest > half - (quotient & 1));
    case HALF_AWAY: return quotient + (rest > half - (v >= 0));
    case TO_ZERO: return quotient + ((rest > 0) & (v < 0));
    case UP: return quotient + (rest > 0);
    case HALF_UP: return quotient + (rest >= half);
    case HALF_DOWN: return quotient + (rest > half);
    default: return quotient;
    }
}

/* The same for any bits >= 1, on numbers of up to 100 bits. */
static inline __int128 shift_right_wide(__int128 v, int bits, int mode)
{
    if (bits > 120)
        bits = 120; /* the rest is as far from a half */
    __int128 quotient = v >> bits, rest = v - (quotient << bits), half = (__int128)1 << (bits - 1);
    switch (mode) {
    case HALF_TO_EVEN: return quotient + (rest > half || (rest == half && (quotient & 1)));
    case HALF_AWAY: return quotient + (rest > half || (rest == half && v >= 0));
    case TO_ZERO: return quotient + (rest > 0 && v < 0);
    case UP: return quotient + (rest > 0);
    case HALF_UP: return quotient + (rest >= half);
    case HALF_DOWN: return quotient + (rest > half);
    default: return quotient;
    }
}

ALWAYS_INLINE void shift_right_each(int64_t *v, int count, int bits, int mode)
{
    for (int i = 0; i < count; i++)
        v[i] = shift_right(v[i], bits, mode);
}

/* In place, 0 <= bits <= 63. */
static inline void shift_right_block(int64_t *v, int count, int bits, int mode)
{
    if (bits == 0)
        return;
    switch (mode) {
    case HALF_TO_EVEN: shift_right_each(v, count, bits, HALF_TO_EVEN); break;
    case HALF_AWAY: shift_right_each(v, count, bits, HALF_AWAY); break;
    case TO_ZERO: shift_right_each(v, count, bits, TO_ZERO); break;
    case UP: shift_right_each(v, count, bits, UP); break;
    case HALF_UP: shift_right_each(v, count, bits, HALF_UP); break;
    case HALF_DOWN: shift_right_each(v, count, bits, HALF_DOWN); break;
    default: shift_right_each(v, count, bits, DOWN); break;
    }
}

#endif
