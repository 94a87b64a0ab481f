/* Integer results to the range of their type. */
#ifndef TPUC_SATURATE_H
#define TPUC_SATURATE_H

#include <stdint.h>

static inline int64_t saturated(int64_t v, int bits, int is_signed)
{
    int64_t low = is_signed ? -(1ll << (bits - 1)) : 0, high = is_signed ? (1ll << (bits - 1)) - 1 : (1ll << bits) - 1;
    return v < low ? low : v > high ? high : v;
}

#endif
