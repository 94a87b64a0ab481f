/* The chip's f32 mode on the host: denormals count as zeros and results that would be denormal become zeros. */
#ifndef TPUC_FLUSH_H
#define TPUC_FLUSH_H

#if !defined(__x86_64__)
#error "flush to zero after rounding, as the chip does it, is only known for x86-64"
#endif

#include <xmmintrin.h>

#define TPUC_FTZ_DAZ 0x8040u
#define TPUC_ROUNDING_MASK 0x6000u

/* Switches the calling thread to flush to zero, nearest even; returns what flush_end needs to undo that. */
static inline unsigned flush_begin(void)
{
    unsigned before = _mm_getcsr();
    _mm_setcsr((before & ~TPUC_ROUNDING_MASK) | TPUC_FTZ_DAZ);
    return before;
}

static inline void flush_end(unsigned before)
{
    _mm_setcsr(before);
}

#endif
