#include "elementwise.h"

#include "blocks.h"
#include "chip_float.h"
#include "grid_run.h"

/* f16, bf16: the step between the two operations is rounded to the type, as the result is. */
ALWAYS_INLINE void linear_block(int kind, int operation, const float *a, const float *b, const float *c, float *r,
                                int n, int careful)
{
    switch (operation) {
    case LINEAR_MAC: multiply_block(kind, a, b, r, n, careful); break;
    case LINEAR_SQUARE_SUM: for (int i = 0; i < n; i++) r[i] = add(a[i], b[i], careful); break;
    default: for (int i = 0; i < n; i++) r[i] = subtract(a[i], b[i], careful); break;
    }
    round_floats(kind, r, n, 0);
    if (operation == LINEAR_MAC)
        for (int i = 0; i < n; i++)
            r[i] = add(r[i], c[i], careful);
    else
        multiply_block(kind, r, r, r, n, careful);
}

static void linear_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    int operation = *(const int *)context, kind = g->kind[0];
    float first[BLOCK], second[BLOCK], third[BLOCK], r[BLOCK];
    for (int64_t at = 0; at < count; at += BLOCK) {
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);
        const float *a = read_floats(kind, data[1] + at * step[1], step[1], n, first);
        const float *b = read_floats(kind, data[2] + at * step[2], step[2], n, second);
        const float *c = operation == LINEAR_MAC ? read_floats(kind, data[3] + at * step[3], step[3], n, third) : NULL;
        linear_block(kind, operation, a, b, c, r, n, 0);
        if (any_nan(r, n))
            linear_block(kind, operation, a, b, c, r, n, 1);
        write_floats(kind, data[0] + at * step[0], step[0], n, r, 0);
    }
}

int VARIANT(linear_run)(grid *g, int operation)
{
    for (int t = 0; t < g->tensors; t++)
        if (!kind_is_float(g->kind[t]) || g->kind[t] != g->kind[0])
            return WRONG_KINDS;
    run_grid(g, FLUSH_DENORMALS, linear_row, &operation);
    return DONE;
}
