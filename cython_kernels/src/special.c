#include "special.h"

#include "blocks.h"
#include "chip_float.h"
#include "grid_run.h"

#define UNUSED(name) (void)(name)

/* The series by Horner's rule; every product and every sum is rounded to the kind. */
ALWAYS_INLINE void taylor_block(int kind, int coefficients, const char *c, int64_t step, const float *x, float *r,
                                int n, int careful)
{
    float scratch[BLOCK];
    int bytes = kind_bytes(kind);
    const float *last = read_floats(kind, c + (coefficients - 1) * bytes, step, n, scratch);
    memcpy(r, last, (size_t)n * sizeof *r);
    for (int k = coefficients - 2; k >= 0; k--) {
        if (step == 0 && kind == KIND_F32) {
            float next = *(const float *)(c + k * bytes);
            for (int i = 0; i < n; i++)
                r[i] = add(multiply(r[i], x[i], careful), next, careful);
            continue;
        }
        const float *next = read_floats(kind, c + k * bytes, step, n, scratch);
        multiply_block(kind, r, x, r, n, careful);
        round_floats(kind, r, n, 0);
        for (int i = 0; i < n; i++)
            r[i] = add(r[i], next[i], careful);
        round_floats(kind, r, n, 0);
    }
}

static void taylor_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    int coefficients = *(const int *)context, kind = g->kind[0];
    float scratch[BLOCK], r[BLOCK];
    for (int64_t at = 0; at < count; at += BLOCK) {
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);
        const float *x = read_floats(kind, data[1] + at * step[1], step[1], n, scratch);
        const char *c = data[2] + at * step[2];
        taylor_block(kind, coefficients, c, step[2], x, r, n, 0);
        if (any_nan(r, n))
            taylor_block(kind, coefficients, c, step[2], x, r, n, 1);
        write_floats(kind, data[0] + at * step[0], step[0], n, r, 0);
    }
}

void VARIANT(taylor_run)(grid *g, int coefficients)
{
    run_grid(g, FLUSH_DENORMALS, taylor_row, &coefficients);
}

static void rsqrt_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    int iterations = *(const int *)context;
    float scratch[BLOCK], r[BLOCK];
    UNUSED(g);
    for (int64_t at = 0; at < count; at += BLOCK) {
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);
        const float *x = read_floats(KIND_F32, data[1] + at * step[1], step[1], n, scratch);
        for (int i = 0; i < n; i++)
            r[i] = chip_rsqrt(x[i], iterations, 0);
        if (any_nan(r, n))
            for (int i = 0; i < n; i++)
                r[i] = chip_rsqrt(x[i], iterations, 1);
        write_floats(KIND_F32, data[0] + at * step[0], step[0], n, r, 1);
    }
}

void VARIANT(rsqrt_run)(grid *g, int iterations)
{
    run_grid(g, FLUSH_DENORMALS, rsqrt_row, &iterations);
}

/* The exponent field, plus one for a positive number whose fraction is above that of 4/3. */
static void normalize_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    int kind = g->kind[1], keeps_float = kind_is_float(g->kind[0]);
    int fraction = kind == KIND_F32 ? 23 : kind == KIND_F16 ? 10 : 7, bits = 8 * kind_bytes(kind);
    uint32_t third = kind == KIND_F32 ? 0x2aaaabu : kind == KIND_F16 ? 0x155u : 0x2bu;
    uint32_t exponents = (1u << (bits - 1 - fraction)) - 1;
    uint32_t scratch[BLOCK], r[BLOCK];
    UNUSED(context);
    for (int64_t at = 0; at < count; at += BLOCK) {
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);
        const uint32_t *u = read_bits(kind, data[1] + at * step[1], step[1], n, scratch);
        for (int i = 0; i < n; i++) {
            uint32_t sign = u[i] >> (bits - 1), e = u[i] >> fraction & exponents;
            e += !sign & ((u[i] & ((1u << fraction) - 1)) > third);
            r[i] = keeps_float ? sign << (bits - 1) | (e & exponents) << fraction : e;
        }
        write_bits(g->kind[0], data[0] + at * step[0], step[0], n, r);
    }
}

void VARIANT(normalize_run)(grid *g)
{
    run_grid(g, KEEP_DENORMALS, normalize_row, 0);
}
