#include "elementwise.h"

#include "blocks.h"
#include "grid_run.h"

typedef struct {
    int condition, flushes;
} select_options;

#define COMPARE_EACH(a, b)                                                                       \
    do {                                                                                         \
        switch (condition) {                                                                     \
        case IF_GREATER: for (int i = 0; i < n; i++) mask[i] = (a)[i] > (b)[i] ? ~0u : 0; break; \
        case IF_GREATER_EQUAL: for (int i = 0; i < n; i++) mask[i] = (a)[i] >= (b)[i] ? ~0u : 0; break; \
        case IF_EQUAL: for (int i = 0; i < n; i++) mask[i] = (a)[i] == (b)[i] ? ~0u : 0; break;  \
        default: for (int i = 0; i < n; i++) mask[i] = (a)[i] < (b)[i] ? ~0u : 0; break;         \
        }                                                                                        \
    } while (0)

/* Floats: equal compares bits, less is "not greater or equal, and other bits", so true beside a NaN. */
static void compare_floats(int kind, int condition, const char *a, int64_t a_step, const char *b, int64_t b_step,
                           int n, uint32_t *mask)
{
    float first[BLOCK], second[BLOCK];
    uint32_t first_bits[BLOCK], second_bits[BLOCK];
    if (condition == IF_GREATER || condition == IF_GREATER_EQUAL) {
        const float *x = read_floats(kind, a, a_step, n, first), *y = read_floats(kind, b, b_step, n, second);
        COMPARE_EACH(x, y);
        return;
    }
    const uint32_t *u = read_bits(kind, a, a_step, n, first_bits), *v = read_bits(kind, b, b_step, n, second_bits);
    if (condition == IF_EQUAL) {
        COMPARE_EACH(u, v);
        return;
    }
    const float *x = read_floats(kind, a, a_step, n, first), *y = read_floats(kind, b, b_step, n, second);
    for (int i = 0; i < n; i++)
        mask[i] = !(x[i] >= y[i]) & (u[i] != v[i]) ? ~0u : 0;
}

static void compare_ints(const int *kind, int condition, const char *a, int64_t a_step, const char *b, int64_t b_step,
                         int n, uint32_t *mask)
{
    if (kind[1] != KIND_U32 && kind[2] != KIND_U32) {
        int32_t x[BLOCK], y[BLOCK];
        read_int32(kind[1], a, a_step, n, x);
        read_int32(kind[2], b, b_step, n, y);
        COMPARE_EACH(x, y);
    } else {
        int64_t x[BLOCK], y[BLOCK];
        read_int64(kind[1], a, a_step, n, x);
        read_int64(kind[2], b, b_step, n, y);
        COMPARE_EACH(x, y);
    }
}

static void select_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    const select_options *o = context;
    uint32_t mask[BLOCK], yes_bits[BLOCK], no_bits[BLOCK], r[BLOCK];
    int kind = g->kind[0];
    uint32_t exponent = kind == KIND_F32 ? 0x7f800000u : 0x7f80u, sign = kind == KIND_F32 ? 0x80000000u : 0x8000u;
    int flushes = o->flushes && (kind == KIND_F32 || kind == KIND_BF16);
    for (int64_t at = 0; at < count; at += BLOCK) {
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);
        const char *a = data[1] + at * step[1], *b = data[2] + at * step[2];
        if (kind_is_float(g->kind[1]))
            compare_floats(g->kind[1], o->condition, a, step[1], b, step[2], n, mask);
        else
            compare_ints(g->kind, o->condition, a, step[1], b, step[2], n, mask);
        const uint32_t *yes = read_bits(g->kind[3], data[3] + at * step[3], step[3], n, yes_bits);
        const uint32_t *no = read_bits(g->kind[4], data[4] + at * step[4], step[4], n, no_bits);
        for (int i = 0; i < n; i++)
            r[i] = (yes[i] & mask[i]) | (no[i] & ~mask[i]);
        if (flushes)
            for (int i = 0; i < n; i++)
                r[i] = r[i] & exponent ? r[i] : r[i] & sign;
        write_bits(kind, data[0] + at * step[0], step[0], n, r);
    }
}

int VARIANT(select_run)(grid *g, int condition, int flushes)
{
    select_options options = {condition, flushes};
    int a = g->kind[1], b = g->kind[2];
    if ((kind_is_float(a) || kind_is_float(b)) && a != b)
        return WRONG_KINDS;
    run_grid(g, FLUSH_DENORMALS, select_row, &options);
    return DONE;
}
