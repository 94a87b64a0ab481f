/* Each source is compiled twice (see tpuc_kernels/meson.build): VARIANT(f) is f_plain or f_avx2.
   DISPATCH(f) in a module picks one of them by the flag of dispatch.pyx. */
#ifndef TPUC_VARIANT_H
#define TPUC_VARIANT_H

#if defined(TPUC_AVX2)
#define VARIANT(name) name##_avx2
#elif defined(TPUC_PLAIN)
#define VARIANT(name) name##_plain
#elif defined(TPUC_HAVE_AVX2)
#define DISPATCH(use_avx2, name) ((use_avx2) ? name##_avx2 : name##_plain)
#else
#define DISPATCH(use_avx2, name) ((void)(use_avx2), name##_plain)
#endif

/* Declares both variants of a function. */
#if defined(TPUC_AVX2) || defined(TPUC_PLAIN)
#define DECLARE(result, name, arguments) result VARIANT(name) arguments
#elif defined(TPUC_HAVE_AVX2)
#define DECLARE(result, name, arguments) result name##_plain arguments; result name##_avx2 arguments
#else
#define DECLARE(result, name, arguments) result name##_plain arguments
#endif

#endif
